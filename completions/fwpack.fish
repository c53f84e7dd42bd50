# SPDX-License-Identifier: MIT
# Printed from the tables of cli/: not to be edited.

# The options that take the next word.
set -g __fwpack_valued --jobs --color --progress --product --output --format --define --depfile --key --passphrase-file --passphrase-fd --role --comment --base --decoder-memory --min-security-version --attestation --signature --pubkey --require --builder-id --invocation-id --parameter --dependency --base --directory --base --decoder-memory --level --decoder --decoder-memory --memory --page-size --architecture --format --decoder-memory --html --purpose --pcrs --pin-file --from --to --base --merge --offset --crop --fill --family
set -g __fwpack_letters joDkxpC

# The command so far, without options, their values and "help".
function __fwpack_path
    set -l words (commandline -opc)
    set -l skip 0
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        if contains -- $word $__fwpack_valued
            set skip 1
        else if string match -qr -- "^-[^-$__fwpack_letters]*[$__fwpack_letters]\$" $word
            set skip 1
        else if not string match -q -- '-*' $word; and test $word != help
            echo $word
        end
    end
end

# Whether the command so far begins with these words.
function __fwpack_at
    set -l path (__fwpack_path)
    test (count $path) -ge (count $argv); or return 1
    for i in (seq (count $argv))
        test $path[$i] = $argv[$i]; or return 1
    end
end

# Whether it is these words.
function __fwpack_is
    set -l path (__fwpack_path)
    test "$path" = "$argv"
end

complete -c fwpack -f

complete -c fwpack -n '__fwpack_is' -a init -d 'write a descriptor for what a folder holds'
complete -c fwpack -n '__fwpack_is' -a lint -d 'check descriptors without building'
complete -c fwpack -n '__fwpack_is' -a build -d 'build a bundle from a descriptor, and sign it'
complete -c fwpack -n '__fwpack_is' -a sign -d 'add signatures to a bundle, or sign any file'
complete -c fwpack -n '__fwpack_is' -a verify -d 'prove who signed a bundle, and every byte of it'
complete -c fwpack -n '__fwpack_is' -a attest -d 'say, signed, how a bundle\'s images were built'
complete -c fwpack -n '__fwpack_is' -a inspect -d 'say what a bundle, image, patch or key holds, without trust'
complete -c fwpack -n '__fwpack_is' -a extract -d 'write the verified images of a bundle to files'
complete -c fwpack -n '__fwpack_is' -a delta -d 'make the update from old releases to a new one small'
complete -c fwpack -n '__fwpack_is' -a patch -d 'apply a patch to the old image that it was made from'
complete -c fwpack -n '__fwpack_is' -a diff -d 'say what changed between two images or bundles'
complete -c fwpack -n '__fwpack_is' -a key -d 'make keys, and say what they are'
complete -c fwpack -n '__fwpack_is' -a image -d 'identify and convert firmware images'
complete -c fwpack -n '__fwpack_is' -a completion -d 'print the completion script of a shell'
complete -c fwpack -n '__fwpack_is' -a schema -d 'print the JSON Schema of the descriptor'
complete -c fwpack -n '__fwpack_is' -a env -d 'print the variables of the environment that are in force'
complete -c fwpack -n '__fwpack_is' -a exit-codes -d 'print the exit statuses and what they mean'
complete -c fwpack -n '__fwpack_is' -a version -d 'print the version'
complete -c fwpack -n '__fwpack_at' -l version -d 'print the version'
complete -c fwpack -n '__fwpack_at' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at init' -x -a '(__fish_complete_directories)'
complete -c fwpack -n '__fwpack_at init' -l product -x -d 'the product\'s name (the folder\'s)'
complete -c fwpack -n '__fwpack_at init' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at init' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at init' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at init' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at init' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at init' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at init' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at init' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at init' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at init' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at lint' -r -F
complete -c fwpack -n '__fwpack_at lint' -l format -x -a 'text github' -d 'how findings are printed: text (default), or annotations for github'
complete -c fwpack -n '__fwpack_at lint' -l strict -d 'fail for a warning too'
complete -c fwpack -n '__fwpack_at lint' -l define -s D -x -d 'set ${NAME} in the descriptor; repeatable'
complete -c fwpack -n '__fwpack_at lint' -l allow-outside -d 'take files from outside the descriptor\'s folder'
complete -c fwpack -n '__fwpack_at lint' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at lint' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at lint' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at lint' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at lint' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at lint' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at lint' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at lint' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at build' -r -F
complete -c fwpack -n '__fwpack_at build' -l depfile -r -F -d 'write the inputs as a rule for make and ninja'
complete -c fwpack -n '__fwpack_at build' -l check -d 'build twice in other surroundings and compare'
complete -c fwpack -n '__fwpack_at build' -l define -s D -x -d 'set ${NAME} in the descriptor; repeatable'
complete -c fwpack -n '__fwpack_at build' -l allow-outside -d 'take files from outside the descriptor\'s folder'
complete -c fwpack -n '__fwpack_at build' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at build' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at build' -l key -s k -r -F -d 'sign with KEY: a file, env:NAME or fd:N; repeatable'
complete -c fwpack -n '__fwpack_at build' -l allow-insecure-key -d 'take a plain key file that others can read'
complete -c fwpack -n '__fwpack_at build' -l passphrase-file -r -F -d 'read the passphrase from FILE'
complete -c fwpack -n '__fwpack_at build' -l passphrase-fd -x -d 'read the passphrase from file descriptor N'
complete -c fwpack -n '__fwpack_at build' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at build' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at build' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at build' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at build' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at build' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at build' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at build' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at sign' -r -F
complete -c fwpack -n '__fwpack_at sign' -l role -x -a 'release delivery' -d 'sign as release or delivery only (the key\'s purpose, else both)'
complete -c fwpack -n '__fwpack_at sign' -l yes -s y -d 'sign without asking'
complete -c fwpack -n '__fwpack_at sign' -l detached -d 'sign any one file, beside it, as minisign does'
complete -c fwpack -n '__fwpack_at sign' -l comment -x -d 'the trusted comment of a detached signature'
complete -c fwpack -n '__fwpack_at sign' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at sign' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at sign' -l key -s k -r -F -d 'sign with KEY: a file, env:NAME or fd:N; repeatable'
complete -c fwpack -n '__fwpack_at sign' -l allow-insecure-key -d 'take a plain key file that others can read'
complete -c fwpack -n '__fwpack_at sign' -l passphrase-file -r -F -d 'read the passphrase from FILE'
complete -c fwpack -n '__fwpack_at sign' -l passphrase-fd -x -d 'read the passphrase from file descriptor N'
complete -c fwpack -n '__fwpack_at sign' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at sign' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at sign' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at sign' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at sign' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at sign' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at sign' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at sign' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at verify' -r -F
complete -c fwpack -n '__fwpack_at verify' -l flat -d 'compare each image\'s flat sha256 too'
complete -c fwpack -n '__fwpack_at verify' -l base -r -F -d 'an old image or bundle, which deltas are applied to; repeatable'
complete -c fwpack -n '__fwpack_at verify' -l decoder-memory -x -d 'most memory that a decoder may take (64MiB)'
complete -c fwpack -n '__fwpack_at verify' -l complete -d 'fail where an image could not be rebuilt'
complete -c fwpack -n '__fwpack_at verify' -l min-security-version -x -d 'refuse a security version below N'
complete -c fwpack -n '__fwpack_at verify' -l attestation -r -F -d 'prove FILE, which says how the images were built'
complete -c fwpack -n '__fwpack_at verify' -l detached -d 'check a signature beside any one file'
complete -c fwpack -n '__fwpack_at verify' -l signature -s x -r -F -d 'the detached signature (the file\'s name with .minisig)'
complete -c fwpack -n '__fwpack_at verify' -l pubkey -s p -r -F -d 'trust the public key PUB, a file or its text; repeatable'
complete -c fwpack -n '__fwpack_at verify' -l require -x -d 'want N distinct release signers (1)'
complete -c fwpack -n '__fwpack_at verify' -l allow-demo-keys -d 'trust keys made for demonstration'
complete -c fwpack -n '__fwpack_at verify' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at verify' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at verify' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at verify' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at verify' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at verify' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at verify' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at verify' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at attest' -r -F
complete -c fwpack -n '__fwpack_at attest' -l builder-id -x -d 'what built the images (GitHub\'s or GitLab\'s, in their CI)'
complete -c fwpack -n '__fwpack_at attest' -l invocation-id -x -d 'which run of the builder it was'
complete -c fwpack -n '__fwpack_at attest' -l parameter -x -d 'a parameter of the build, as it was called; repeatable'
complete -c fwpack -n '__fwpack_at attest' -l dependency -x -d 'what the build was made from, and its hash; repeatable'
complete -c fwpack -n '__fwpack_at attest' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at attest' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at attest' -l key -s k -r -F -d 'sign with KEY: a file, env:NAME or fd:N; repeatable'
complete -c fwpack -n '__fwpack_at attest' -l allow-insecure-key -d 'take a plain key file that others can read'
complete -c fwpack -n '__fwpack_at attest' -l passphrase-file -r -F -d 'read the passphrase from FILE'
complete -c fwpack -n '__fwpack_at attest' -l passphrase-fd -x -d 'read the passphrase from file descriptor N'
complete -c fwpack -n '__fwpack_at attest' -l pubkey -s p -r -F -d 'trust the public key PUB, a file or its text; repeatable'
complete -c fwpack -n '__fwpack_at attest' -l require -x -d 'want N distinct release signers (1)'
complete -c fwpack -n '__fwpack_at attest' -l allow-demo-keys -d 'trust keys made for demonstration'
complete -c fwpack -n '__fwpack_at attest' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at attest' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at attest' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at attest' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at attest' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at attest' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at attest' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at attest' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at inspect' -r -F
complete -c fwpack -n '__fwpack_at inspect' -l tree -d 'list every member with its offset and size'
complete -c fwpack -n '__fwpack_at inspect' -l base -r -F -d 'of a patch: the old image, to tell where all of its bytes went'
complete -c fwpack -n '__fwpack_at inspect' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at inspect' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at inspect' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at inspect' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at inspect' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at inspect' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at inspect' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at inspect' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at extract' -r -F
complete -c fwpack -n '__fwpack_at extract' -l directory -s C -x -a '(__fish_complete_directories)' -d 'write each image into DIR, which is made if need be'
complete -c fwpack -n '__fwpack_at extract' -l base -r -F -d 'an old image or bundle, which deltas are applied to; repeatable'
complete -c fwpack -n '__fwpack_at extract' -l decoder-memory -x -d 'most memory that a decoder may take (64MiB)'
complete -c fwpack -n '__fwpack_at extract' -l raw -d 'write segmented images flat, without addresses'
complete -c fwpack -n '__fwpack_at extract' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at extract' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at extract' -l pubkey -s p -r -F -d 'trust the public key PUB, a file or its text; repeatable'
complete -c fwpack -n '__fwpack_at extract' -l require -x -d 'want N distinct release signers (1)'
complete -c fwpack -n '__fwpack_at extract' -l allow-demo-keys -d 'trust keys made for demonstration'
complete -c fwpack -n '__fwpack_at extract' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at extract' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at extract' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at extract' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at extract' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at extract' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at extract' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at extract' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at delta' -r -F
complete -c fwpack -n '__fwpack_at delta' -r -F
complete -c fwpack -n '__fwpack_at delta' -l level -x -a 'fast default best' -d 'how hard to try: fast, default or best'
complete -c fwpack -n '__fwpack_at delta' -l decoder -x -a 'tiny small full' -d 'what the device can afford: tiny, small (in place) or full'
complete -c fwpack -n '__fwpack_at delta' -l decoder-memory -x -d 'most memory that applying may take (the profile\'s)'
complete -c fwpack -n '__fwpack_at delta' -l memory -x -d 'most memory for making one delta (1GiB)'
complete -c fwpack -n '__fwpack_at delta' -l in-place -d 'for one slot, with SCRATCH bytes of flash beside (4096)'
complete -c fwpack -n '__fwpack_at delta' -l page-size -x -d 'what the flash erases at once, with --in-place (4KiB)'
complete -c fwpack -n '__fwpack_at delta' -l architecture -x -a 'thumb arm aarch64 x86-64 i386 riscv32 riscv64 xtensa avr mipsel mips powerpc pointers32 pointers32be pointers64 pointers64be relative32 elf-rela64 elf-rel32 elf-sym64 none' -d 'the machine code inside (found out)'
complete -c fwpack -n '__fwpack_at delta' -l no-unpack -d 'leave packed parts of the images packed'
complete -c fwpack -n '__fwpack_at delta' -l keep-full -d 'keep the full images too, for any other device'
complete -c fwpack -n '__fwpack_at delta' -l format -x -a 'fwd bsdiff4 vcdiff zstd-patch-from' -d 'of plain files\' patch: fwd, or one for another tool'
complete -c fwpack -n '__fwpack_at delta' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at delta' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at delta' -l key -s k -r -F -d 'sign with KEY: a file, env:NAME or fd:N; repeatable'
complete -c fwpack -n '__fwpack_at delta' -l allow-insecure-key -d 'take a plain key file that others can read'
complete -c fwpack -n '__fwpack_at delta' -l passphrase-file -r -F -d 'read the passphrase from FILE'
complete -c fwpack -n '__fwpack_at delta' -l passphrase-fd -x -d 'read the passphrase from file descriptor N'
complete -c fwpack -n '__fwpack_at delta' -l pubkey -s p -r -F -d 'trust the public key PUB, a file or its text; repeatable'
complete -c fwpack -n '__fwpack_at delta' -l require -x -d 'want N distinct release signers (1)'
complete -c fwpack -n '__fwpack_at delta' -l allow-demo-keys -d 'trust keys made for demonstration'
complete -c fwpack -n '__fwpack_at delta' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at delta' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at delta' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at delta' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at delta' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at delta' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at delta' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at delta' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at patch' -r -F
complete -c fwpack -n '__fwpack_at patch' -r -F
complete -c fwpack -n '__fwpack_at patch' -l decoder-memory -x -d 'most memory that a decoder may take (64MiB)'
complete -c fwpack -n '__fwpack_at patch' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at patch' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at patch' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at patch' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at patch' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at patch' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at patch' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at patch' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at patch' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at patch' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at diff' -r -F
complete -c fwpack -n '__fwpack_at diff' -r -F
complete -c fwpack -n '__fwpack_at diff' -l html -r -F -d 'draw the new image as a map, in one HTML page'
complete -c fwpack -n '__fwpack_at diff' -l pubkey -s p -r -F -d 'trust the public key PUB, a file or its text; repeatable'
complete -c fwpack -n '__fwpack_at diff' -l require -x -d 'want N distinct release signers (1)'
complete -c fwpack -n '__fwpack_at diff' -l allow-demo-keys -d 'trust keys made for demonstration'
complete -c fwpack -n '__fwpack_at diff' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at diff' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at diff' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at diff' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at diff' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at diff' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at diff' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at diff' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_is key' -a generate -d 'make a new key'
complete -c fwpack -n '__fwpack_is key' -a show -d 'say what a key file is'
complete -c fwpack -n '__fwpack_is key' -a list -d 'list the keys of a folder'
complete -c fwpack -n '__fwpack_is key' -a seal -d 'bind a key to the TPM of this machine'

complete -c fwpack -n '__fwpack_at key generate' -r -F
complete -c fwpack -n '__fwpack_at key generate' -l purpose -x -a 'release delivery demo' -d 'what it signs: release, delivery or demo (any)'
complete -c fwpack -n '__fwpack_at key generate' -l no-passphrase -d 'do not encrypt the secret key, for CI'
complete -c fwpack -n '__fwpack_at key generate' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at key generate' -l passphrase-file -r -F -d 'read the passphrase from FILE'
complete -c fwpack -n '__fwpack_at key generate' -l passphrase-fd -x -d 'read the passphrase from file descriptor N'
complete -c fwpack -n '__fwpack_at key generate' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at key generate' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at key generate' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at key generate' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at key generate' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at key generate' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at key generate' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at key generate' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at key show' -r -F
complete -c fwpack -n '__fwpack_at key show' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at key show' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at key show' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at key show' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at key show' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at key show' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at key show' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at key show' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at key list' -x -a '(__fish_complete_directories)'
complete -c fwpack -n '__fwpack_at key list' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at key list' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at key list' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at key list' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at key list' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at key list' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at key list' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at key list' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at key seal' -r -F
complete -c fwpack -n '__fwpack_at key seal' -l pcrs -x -d 'seal to the values of these PCRs, as in 7,14 (7)'
complete -c fwpack -n '__fwpack_at key seal' -l pin -d 'ask for a PIN, which the TPM will want each time'
complete -c fwpack -n '__fwpack_at key seal' -l pin-file -r -F -d 'read that PIN from FILE'
complete -c fwpack -n '__fwpack_at key seal' -l allow-insecure-key -d 'take a plain key file that others can read'
complete -c fwpack -n '__fwpack_at key seal' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at key seal' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at key seal' -l passphrase-file -r -F -d 'read the passphrase from FILE'
complete -c fwpack -n '__fwpack_at key seal' -l passphrase-fd -x -d 'read the passphrase from file descriptor N'
complete -c fwpack -n '__fwpack_at key seal' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at key seal' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at key seal' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at key seal' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at key seal' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at key seal' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at key seal' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at key seal' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_is image' -a info -d 'say what firmware images are, and what is inside'
complete -c fwpack -n '__fwpack_is image' -a convert -d 'turn an image into another format, or cut, fill, move and merge it'

complete -c fwpack -n '__fwpack_at image info' -r -F
complete -c fwpack -n '__fwpack_at image info' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at image info' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at image info' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at image info' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at image info' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at image info' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at image info' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at image info' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at image convert' -r -F
complete -c fwpack -n '__fwpack_at image convert' -l from -x -a 'raw ihex srec uf2 elf dfuse' -d 'read FORMAT (found by content): raw, ihex, srec, …'
complete -c fwpack -n '__fwpack_at image convert' -l to -x -a 'raw ihex srec uf2' -d 'write raw, ihex, srec or uf2 (by the output\'s suffix)'
complete -c fwpack -n '__fwpack_at image convert' -l base -x -d 'where a raw file\'s first byte belongs'
complete -c fwpack -n '__fwpack_at image convert' -l merge -r -F -d 'add another image\'s data; repeatable'
complete -c fwpack -n '__fwpack_at image convert' -l offset -x -d 'add N, which may be negative, to every address'
complete -c fwpack -n '__fwpack_at image convert' -l crop -x -d 'keep START:END or START+LENGTH only; repeatable'
complete -c fwpack -n '__fwpack_at image convert' -l fill -x -d 'fill holes, and what --crop leaves empty, with BYTE'
complete -c fwpack -n '__fwpack_at image convert' -l family -x -d 'the family id of a UF2 file'
complete -c fwpack -n '__fwpack_at image convert' -l output -s o -r -F -d 'write to FILE; - is standard output'
complete -c fwpack -n '__fwpack_at image convert' -l dry-run -s n -d 'say what would be done, write nothing'
complete -c fwpack -n '__fwpack_at image convert' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at image convert' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at image convert' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at image convert' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at image convert' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at image convert' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at image convert' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at image convert' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_is completion' -x -a 'bash zsh fish'
complete -c fwpack -n '__fwpack_at completion' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at completion' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at completion' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at completion' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at completion' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at completion' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at completion' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at completion' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at schema' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at schema' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at schema' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at schema' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at schema' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at schema' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at schema' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at schema' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at env' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at env' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at env' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at env' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at env' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at env' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at env' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at env' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at exit-codes' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at exit-codes' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at exit-codes' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at exit-codes' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at exit-codes' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at exit-codes' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at exit-codes' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at exit-codes' -l no-input -d 'never ask anything (so too with CI=true)'

complete -c fwpack -n '__fwpack_at version' -l help -s h -d 'show this help'
complete -c fwpack -n '__fwpack_at version' -l json -d 'print one JSON object, also for errors'
complete -c fwpack -n '__fwpack_at version' -l quiet -s q -d 'print warnings and errors only'
complete -c fwpack -n '__fwpack_at version' -l verbose -s v -d 'say more'
complete -c fwpack -n '__fwpack_at version' -l jobs -s j -x -d 'use at most N threads (one for each core)'
complete -c fwpack -n '__fwpack_at version' -l color -x -a 'auto always never' -d 'colour the output: auto, always or never'
complete -c fwpack -n '__fwpack_at version' -l progress -x -a 'auto bar plain json none' -d 'show progress: auto, bar, plain, json or none'
complete -c fwpack -n '__fwpack_at version' -l no-input -d 'never ask anything (so too with CI=true)'
