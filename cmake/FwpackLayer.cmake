# SPDX-License-Identifier: MIT
# add_layer(NAME SOURCES a.c b.c [USES layer…] [LIBRARIES target…])
#
# One layer of libpack: an object library that sees the public headers, its own folder and the
# layers that it names, nothing else. tests/lint checks each #include against the same table.
function(add_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "SOURCES;USES;LIBRARIES")
  add_library(pack_${name} OBJECT ${layer_SOURCES})
  target_link_libraries(pack_${name} PRIVATE fwpack_flags ${layer_LIBRARIES})
  target_include_directories(pack_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/libpack/include>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/libpack>")
  foreach(used IN LISTS layer_USES)
    add_dependencies(pack_${name} pack_${used})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY FWPACK_LAYERS ${name})
  set_property(GLOBAL APPEND PROPERTY FWPACK_LIBRARIES ${layer_LIBRARIES})
  set_property(GLOBAL PROPERTY FWPACK_LAYER_${name}_USES "${layer_USES}")
endfunction()
