# SPDX-License-Identifier: MIT
"""bootloaders.py uboot|grub ROOT: the scripts of docs/bootloaders.md, run by the real bootloaders on
states as fwpack writes them: U-Boot in QEMU, GRUB as grub-emu. Exit 77 where a tool is missing."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

UBOOT = "/usr/lib/u-boot/qemu_arm/u-boot.bin"
SCRIPT_AT = "0x48000000"
FLASH = 64 * 1024 * 1024
os.environ["PATH"] += ":/usr/sbin:/sbin"


def run(*command, **options):
    return subprocess.run(command, check=True, timeout=120, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, **options).stdout.decode(errors="replace")


def need(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None and not os.path.exists(tool)]
    if missing:
        print("not there:", *missing)
        sys.exit(1 if os.environ.get("FWPACK_ALL_TOOLS") else 77)


def read_block(root, language):
    with open(os.path.join(root, "docs/bootloaders.md"), encoding="utf-8") as page:
        return re.search(f"```{re.escape(language)}\n(.*?)```", page.read(), re.S).group(1)


def compare(name, found, wanted):
    if found != wanted:
        sys.exit(f"{name}: {found}, {wanted} wanted")


# --- U-Boot ------------------------------------------------------------------------------------

# What boot.c writes of a state, and what starts then, in this order, while nothing can be loaded;
# with the tries that are left of each set afterwards.
UBOOT_CASES = [
    ("nothing known", {}, ["A"], "3 3"),
    ("A alone", {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}, ["A"], "3 0"),
    ("B alone", {"BOOT_ORDER": "B", "BOOT_A_LEFT": "0", "BOOT_B_LEFT": "3"}, ["B"], "0 3"),
    ("B falls back", {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"},
     ["B", "A"], "3 3"),
    ("trial of B", {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "9", "BOOT_TRIAL": "B"},
     ["saved", "B", "A"], "3 8"),
    ("last try of A", {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "1", "BOOT_B_LEFT": "3",
                       "BOOT_TRIAL": "A"}, ["saved", "A", "B"], "0 3"),
    ("used up", {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0", "BOOT_TRIAL": "B"},
     ["A"], "3 0"),
    ("not counted", {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3",
                     "BOOT_TRIAL": "B", "broken": "1"}, ["A"], "3 2"),
]
NAMES = ["BOOT_ORDER", "BOOT_A_LEFT", "BOOT_B_LEFT", "BOOT_TRIAL", "broken"]


def uboot_script(text):
    """QEMU's flash cannot be written here, and there is nothing to load."""
    text = re.sub(r"^setenv fwpack_start .*$", "setenv fwpack_start 'echo =start ${fwpack_set}'",
                  text, flags=re.M)
    save = "if test -n \"${broken}\"; then false; else echo =start saved; fi"
    text = re.sub(r"saveenv \|\| (.*)", f"if {save}; then true; else \\1; fi", text)
    return text.replace("\nreset\n", "\necho =left ${BOOT_A_LEFT} ${BOOT_B_LEFT}\n")


def uboot_command():
    """Each case sets its variables and runs the script; the first comes from the environment."""
    command = []
    for name, variables, _, _ in UBOOT_CASES[1:]:
        command += [f"setenv {variable} {variables.get(variable, '')}".strip()
                    for variable in NAMES]
        command += [f"echo =case {name}", f"source {SCRIPT_AT}"]
    return "; ".join(command + ["poweroff"])


def boot_uboot(folder, script, variables, command):
    with open("boot.cmd", "w", encoding="ascii") as file:
        file.write(script)
    run("mkimage", "-A", "arm", "-T", "script", "-C", "none", "-d", "boot.cmd", "boot.scr")
    with open("env.txt", "w", encoding="ascii") as file:
        for name, value in variables.items():
            file.write(f"{name}={value}\n")
        file.write(f"bootdelay=0\nbootcmd=echo =case first; source {SCRIPT_AT}; {command}\n")
    run("mkenvimage", "-s", "0x40000", "-o", "flash1", "env.txt")
    shutil.copyfile(UBOOT, "flash0")
    for flash in ("flash0", "flash1"):
        os.truncate(flash, FLASH)
    return run("qemu-system-arm", "-M", "virt", "-m", "256", "-nographic", "-net", "none",
               "-no-reboot", "-drive", "if=pflash,format=raw,file=flash0,index=0",
               "-drive", "if=pflash,format=raw,file=flash1,index=1",
               "-device", f"loader,file=boot.scr,addr={SCRIPT_AT},force-raw=on")


def parse_uboot(text):
    """[(case, what was started, what is left)]"""
    found = []
    for word, rest in re.findall(r"^=(case|start|left) (.*?)\r*$", text, re.M):
        if word == "case":
            found.append((rest, [], []))
        else:
            found[-1][1 if word == "start" else 2].append(rest)
    return found


def check_uboot(root, folder):
    need("qemu-system-arm", "mkimage", "mkenvimage", UBOOT)
    script = uboot_script(read_block(root, "boot.cmd"))
    text = boot_uboot(folder, script, UBOOT_CASES[4][1], uboot_command())
    found = parse_uboot(text)
    wanted = [("first",) + UBOOT_CASES[4][2:]]
    wanted += [(name, starts, left) for name, _, starts, left in UBOOT_CASES[1:]]
    compare("U-Boot", found, [(name, starts, [left]) for name, starts, left in wanted])
    text = boot_uboot(folder, script, {}, "poweroff")
    compare("U-Boot", parse_uboot(text), [("first", UBOOT_CASES[0][2], [UBOOT_CASES[0][3]])])
    return len(UBOOT_CASES) + 1


# --- GRUB --------------------------------------------------------------------------------------

def block(order, good, trial="", tries="0", number="7", end=None):
    lines = [f"fwpack_begin={number}", f"ORDER={order}", f"A_OK={good[0]}", f"B_OK={good[1]}",
             "A_TRY=0", "B_TRY=0", f"TRIAL={trial}", f"TRIES={tries}",
             f"fwpack_end={end or number}"]
    return ("# GRUB Environment Block\n" + "".join(line + "\n" for line in lines)).ljust(1024, "#")


EMPTY = "# GRUB Environment Block\n".ljust(1024, "#")

# (file, copy, "default fallback env tries")
GRUB_CASES = [
    ("fresh", EMPTY, EMPTY, "A - copy -"),
    ("nothing there", None, None, "A - copy -"),
    ("A alone", block("A", "10"), None, "A - file 0"),
    ("B falls back", block("B A", "11"), None, "B A file 0"),
    ("A is not good", block("B A", "01"), None, "B - file 0"),
    ("trial of B", block("B A", "11", "B", "3"), None, "B A file 2"),
    ("second try", block("B A", "11", "B", "2"), None, "B A file 1"),
    ("last try of A", block("A B", "11", "A", "1"), None, "A B file 0"),
    ("used up", block("B A", "11", "B", "0"), None, "A - file 0"),
    ("too many", block("B A", "11", "B", "4"), None, "A - file 4"),
    ("the copy", None, block("B A", "11", "B", "3"), "B A copy 2"),
    ("a torn file", block("A", "10", end="6"), block("B A", "11", "B", "3"), "B A copy 2"),
    ("a file of zeros", "\0" * 1024, block("B", "01"), "B - copy 0"),
    ("an empty file", "", block("B", "01"), "B - copy 0"),
    ("a torn copy", block("A", "10"), block("B A", "11", end="6"), "A - file 0"),
]
MISSING = "none"


def grub_config(text):
    """Up to the menu: that is the board's own."""
    return text.split("set timeout=")[0] + (
        'echo "=default=$default fallback=$fallback env=$env tries=$TRIES"\nexit\n')


def boot_grub(config, file, copy):
    shutil.rmtree("root", ignore_errors=True)
    os.makedirs("root/grub")
    for name, content in (("grub.cfg", config), ("grubenv", file), ("grubenv.copy", copy)):
        if content is not None:
            with open(os.path.join("root/grub", name), "w", encoding="ascii") as out:
                out.write(content)
    with open("disk", "wb") as disk:
        disk.truncate(2 * 1024 * 1024)
    run("mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum", "-d", "root", "disk")
    with open("map", "w", encoding="ascii") as out:
        out.write(f"(hd0) {os.getcwd()}/disk\n")
    text = run("grub-emu", "-m", "map", "-r", "hd0", "-d", "/grub", stderr=subprocess.STDOUT)
    found = re.search(r"=default=(\w*) fallback=(\w*) env=(\S*) tries=(\w*)", text)
    if found is None:
        sys.exit("GRUB said: " + text)
    first, second, env, tries = found.groups()
    counted = run("debugfs", "-R", "cat " + env.replace("(hd0)", ""), "disk",
                  stderr=subprocess.DEVNULL)
    return (f"{first or '-'} {second or '-'} {'copy' if env.endswith('.copy') else 'file'} "
            f"{tries or '-'}", counted)


def check_grub(root, folder):
    need("grub-emu", "grub-script-check", "mke2fs", "debugfs")
    text = read_block(root, "grub.cfg")
    with open("whole.cfg", "w", encoding="ascii") as out:
        out.write(text)
    run("grub-script-check", "whole.cfg")
    for name, file, copy, wanted in GRUB_CASES:
        found, counted = boot_grub(grub_config(text), file, copy)
        compare(name, found, wanted)
        tries = wanted.split()[3]
        if tries != "-" and f"\nTRIES={tries}\n" not in counted:
            sys.exit(f"{name}: the block has not TRIES={tries}: {counted}")
        if tries != "-" and len(counted) != 1024:
            sys.exit(f"{name}: the block has {len(counted)} bytes")
    return len(GRUB_CASES)


def main():
    name, root = sys.argv[1:]
    root = os.path.abspath(root)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        count = {"uboot": check_uboot, "grub": check_grub}[name](root, folder)
        os.chdir("/")
    print(f"{name}: {count} states")


main()
