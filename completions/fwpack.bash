# bash completion for fwpack                              -*- shell-script -*-
# SPDX-License-Identifier: MIT
# Printed from the tables of cli/: not to be edited.

# What may follow the command $1: commands, options, and the kinds of its arguments;
# the last one may be repeated where "..." stands behind it.
_fwpack_table() {
    case $1 in
    '')
        commands='init lint build sign permit verify attest inspect extract encrypt decrypt delta patch diff key journal trust image install status confirm rollback boot completion schema env exit-codes version'
        options='--version --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'init')
        commands=''
        options='--product --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@folder' )
        ;;
    'lint')
        commands=''
        options='--format --strict --define -D --allow-outside --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' ...)
        ;;
    'build')
        commands=''
        options='--depfile --sbom --check --define -D --allow-outside --output -o --dry-run -n --key -k --signer-pub --journal --encrypt-to --encrypt-passphrase --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'sign')
        commands=''
        options='--role --yes -y --export --import --detached --comment --output -o --dry-run -n --key -k --signer-pub --journal --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@file' ...)
        ;;
    'permit')
        commands=''
        options='--device-id --group --from --expires --add-signature --yes -y --output -o --dry-run -n --key -k --signer-pub --journal --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --trust -t --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'verify')
        commands=''
        options='--flat --base --decoder-memory --complete --min-security-version --device -d --attestation --embedded-attestations --detached --signature -x --namespace --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' ...)
        ;;
    'attest')
        commands=''
        options='--embed --builder-id --invocation-id --parameter --dependency --output -o --dry-run -n --key -k --signer-pub --journal --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'inspect')
        commands=''
        options='--tree --base --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'extract')
        commands=''
        options='--directory -C --base --decoder-memory --raw --offset --length --output -o --dry-run -n --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@none' ...)
        ;;
    'encrypt')
        commands=''
        options='--output -o --dry-run -n --key -k --signer-pub --journal --encrypt-to --encrypt-passphrase --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'decrypt')
        commands=''
        options='--output -o --dry-run -n --key -k --signer-pub --journal --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'delta')
        commands=''
        options='--level --decoder --decoder-memory --memory --in-place --page-size --architecture --no-unpack --keep-full --format --output -o --dry-run -n --key -k --signer-pub --journal --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@file' ...)
        ;;
    'patch')
        commands=''
        options='--decoder-memory --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@file' )
        ;;
    'diff')
        commands=''
        options='--html --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --pubkey -p --trust -t --no-clock --require --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@file' )
        ;;
    'key')
        commands='generate show list import export passphrase seal'
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'key generate')
        commands=''
        options='--type --purpose --no-passphrase --output -o --dry-run -n --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'key show')
        commands=''
        options='--pkcs11-module --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@key' ...)
        ;;
    'key list')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@folder' )
        ;;
    'key import')
        commands=''
        options='--output -o --format --purpose --new-passphrase-file --new-passphrase-fd --no-passphrase --dry-run -n --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@key' )
        ;;
    'key export')
        commands=''
        options='--format --private --new-passphrase-file --new-passphrase-fd --no-passphrase --output -o --dry-run -n --pkcs11-module --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@key' )
        ;;
    'key passphrase')
        commands=''
        options='--new-passphrase-file --new-passphrase-fd --no-passphrase --dry-run -n --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'key seal')
        commands=''
        options='--pcrs --pin --pin-file --allow-insecure-key --output -o --dry-run -n --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@key' )
        ;;
    'journal')
        commands='check show'
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'journal check')
        commands=''
        options='--head --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' ...)
        ;;
    'journal show')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'trust')
        commands='init add remove threshold revoke rotate sign show check embed'
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'trust init')
        commands=''
        options='--pubkey -p --threshold --expires --days --allow-demo-keys --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'trust add')
        commands=''
        options='--allow-demo-keys --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@pubkey' ...)
        ;;
    'trust remove')
        commands=''
        options='--output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@pubkey' ...)
        ;;
    'trust threshold')
        commands=''
        options='--output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@none' ...)
        ;;
    'trust revoke')
        commands=''
        options='--reason --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@pubkey' ...)
        ;;
    'trust rotate')
        commands=''
        options='--expires --days --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'trust sign')
        commands=''
        options='--old --yes -y --export --import --output -o --dry-run -n --key -k --signer-pub --journal --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'trust show')
        commands=''
        options='--old --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'trust check')
        commands=''
        options='--no-clock --allow-demo-keys --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' ...)
        ;;
    'trust embed')
        commands=''
        options='--output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' '@file' ...)
        ;;
    'image')
        commands='info convert'
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'image info')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' ...)
        ;;
    'image convert')
        commands=''
        options='--from --to --base --merge --offset --crop --fill --family --output -o --dry-run -n --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'install')
        commands=''
        options='--first --retry --reboot --simulate --device -d --dry-run -n --identity -i --pkcs11-module --allow-insecure-key --passphrase-file --passphrase-fd --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('@file' )
        ;;
    'status')
        commands=''
        options='--device -d --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'confirm')
        commands=''
        options='--unchecked --reboot --device -d --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'rollback')
        commands=''
        options='--reason --reboot --device -d --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'boot')
        commands=''
        options='--target --device -d --help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'completion')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('bash|zsh|fish' )
        ;;
    'schema')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=('descriptor|device|events|faults' )
        ;;
    'env')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'exit-codes')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    'version')
        commands=''
        options='--help -h --json --quiet -q --verbose -v --jobs -j --color --progress --no-input'
        arguments=()
        ;;
    esac
}

# The kind of the value of the command $1's option $2; empty for a flag.
_fwpack_kind() {
    kind=
    case "$1 $2" in
    ' --jobs' | ' -j') kind='@none' ;;
    ' --color') kind='auto|always|never' ;;
    ' --progress') kind='auto|bar|plain|json|none' ;;
    'init --product') kind='@none' ;;
    'init --output' | 'init -o') kind='@file' ;;
    'init --jobs' | 'init -j') kind='@none' ;;
    'init --color') kind='auto|always|never' ;;
    'init --progress') kind='auto|bar|plain|json|none' ;;
    'lint --format') kind='text|github' ;;
    'lint --define' | 'lint -D') kind='@none' ;;
    'lint --jobs' | 'lint -j') kind='@none' ;;
    'lint --color') kind='auto|always|never' ;;
    'lint --progress') kind='auto|bar|plain|json|none' ;;
    'build --depfile') kind='@file' ;;
    'build --sbom') kind='@file' ;;
    'build --define' | 'build -D') kind='@none' ;;
    'build --output' | 'build -o') kind='@file' ;;
    'build --key' | 'build -k') kind='@key' ;;
    'build --signer-pub') kind='@pubkey' ;;
    'build --journal') kind='@file' ;;
    'build --encrypt-to') kind='@file' ;;
    'build --pkcs11-module') kind='@file' ;;
    'build --passphrase-file') kind='@file' ;;
    'build --passphrase-fd') kind='@none' ;;
    'build --jobs' | 'build -j') kind='@none' ;;
    'build --color') kind='auto|always|never' ;;
    'build --progress') kind='auto|bar|plain|json|none' ;;
    'sign --role') kind='release|delivery|permit' ;;
    'sign --export') kind='@folder' ;;
    'sign --comment') kind='@none' ;;
    'sign --output' | 'sign -o') kind='@file' ;;
    'sign --key' | 'sign -k') kind='@key' ;;
    'sign --signer-pub') kind='@pubkey' ;;
    'sign --journal') kind='@file' ;;
    'sign --pkcs11-module') kind='@file' ;;
    'sign --passphrase-file') kind='@file' ;;
    'sign --passphrase-fd') kind='@none' ;;
    'sign --pubkey' | 'sign -p') kind='@pubkey' ;;
    'sign --trust' | 'sign -t') kind='@file' ;;
    'sign --require') kind='@none' ;;
    'sign --jobs' | 'sign -j') kind='@none' ;;
    'sign --color') kind='auto|always|never' ;;
    'sign --progress') kind='auto|bar|plain|json|none' ;;
    'permit --device-id') kind='@none' ;;
    'permit --group') kind='@none' ;;
    'permit --from') kind='@file' ;;
    'permit --expires') kind='@none' ;;
    'permit --output' | 'permit -o') kind='@file' ;;
    'permit --key' | 'permit -k') kind='@key' ;;
    'permit --signer-pub') kind='@pubkey' ;;
    'permit --journal') kind='@file' ;;
    'permit --pkcs11-module') kind='@file' ;;
    'permit --passphrase-file') kind='@file' ;;
    'permit --passphrase-fd') kind='@none' ;;
    'permit --trust' | 'permit -t') kind='@file' ;;
    'permit --jobs' | 'permit -j') kind='@none' ;;
    'permit --color') kind='auto|always|never' ;;
    'permit --progress') kind='auto|bar|plain|json|none' ;;
    'verify --base') kind='@file' ;;
    'verify --decoder-memory') kind='@none' ;;
    'verify --min-security-version') kind='@none' ;;
    'verify --device' | 'verify -d') kind='@file' ;;
    'verify --attestation') kind='@file' ;;
    'verify --signature' | 'verify -x') kind='@file' ;;
    'verify --namespace') kind='@none' ;;
    'verify --identity' | 'verify -i') kind='@key' ;;
    'verify --pkcs11-module') kind='@file' ;;
    'verify --passphrase-file') kind='@file' ;;
    'verify --passphrase-fd') kind='@none' ;;
    'verify --pubkey' | 'verify -p') kind='@pubkey' ;;
    'verify --trust' | 'verify -t') kind='@file' ;;
    'verify --require') kind='@none' ;;
    'verify --jobs' | 'verify -j') kind='@none' ;;
    'verify --color') kind='auto|always|never' ;;
    'verify --progress') kind='auto|bar|plain|json|none' ;;
    'attest --builder-id') kind='@none' ;;
    'attest --invocation-id') kind='@none' ;;
    'attest --parameter') kind='@none' ;;
    'attest --dependency') kind='@none' ;;
    'attest --output' | 'attest -o') kind='@file' ;;
    'attest --key' | 'attest -k') kind='@key' ;;
    'attest --signer-pub') kind='@pubkey' ;;
    'attest --journal') kind='@file' ;;
    'attest --pkcs11-module') kind='@file' ;;
    'attest --passphrase-file') kind='@file' ;;
    'attest --passphrase-fd') kind='@none' ;;
    'attest --pubkey' | 'attest -p') kind='@pubkey' ;;
    'attest --trust' | 'attest -t') kind='@file' ;;
    'attest --require') kind='@none' ;;
    'attest --jobs' | 'attest -j') kind='@none' ;;
    'attest --color') kind='auto|always|never' ;;
    'attest --progress') kind='auto|bar|plain|json|none' ;;
    'inspect --base') kind='@file' ;;
    'inspect --jobs' | 'inspect -j') kind='@none' ;;
    'inspect --color') kind='auto|always|never' ;;
    'inspect --progress') kind='auto|bar|plain|json|none' ;;
    'extract --directory' | 'extract -C') kind='@folder' ;;
    'extract --base') kind='@file' ;;
    'extract --decoder-memory') kind='@none' ;;
    'extract --offset') kind='@none' ;;
    'extract --length') kind='@none' ;;
    'extract --output' | 'extract -o') kind='@file' ;;
    'extract --identity' | 'extract -i') kind='@key' ;;
    'extract --pkcs11-module') kind='@file' ;;
    'extract --passphrase-file') kind='@file' ;;
    'extract --passphrase-fd') kind='@none' ;;
    'extract --pubkey' | 'extract -p') kind='@pubkey' ;;
    'extract --trust' | 'extract -t') kind='@file' ;;
    'extract --require') kind='@none' ;;
    'extract --jobs' | 'extract -j') kind='@none' ;;
    'extract --color') kind='auto|always|never' ;;
    'extract --progress') kind='auto|bar|plain|json|none' ;;
    'encrypt --output' | 'encrypt -o') kind='@file' ;;
    'encrypt --key' | 'encrypt -k') kind='@key' ;;
    'encrypt --signer-pub') kind='@pubkey' ;;
    'encrypt --journal') kind='@file' ;;
    'encrypt --encrypt-to') kind='@file' ;;
    'encrypt --identity' | 'encrypt -i') kind='@key' ;;
    'encrypt --pkcs11-module') kind='@file' ;;
    'encrypt --passphrase-file') kind='@file' ;;
    'encrypt --passphrase-fd') kind='@none' ;;
    'encrypt --pubkey' | 'encrypt -p') kind='@pubkey' ;;
    'encrypt --trust' | 'encrypt -t') kind='@file' ;;
    'encrypt --require') kind='@none' ;;
    'encrypt --jobs' | 'encrypt -j') kind='@none' ;;
    'encrypt --color') kind='auto|always|never' ;;
    'encrypt --progress') kind='auto|bar|plain|json|none' ;;
    'decrypt --output' | 'decrypt -o') kind='@file' ;;
    'decrypt --key' | 'decrypt -k') kind='@key' ;;
    'decrypt --signer-pub') kind='@pubkey' ;;
    'decrypt --journal') kind='@file' ;;
    'decrypt --identity' | 'decrypt -i') kind='@key' ;;
    'decrypt --pkcs11-module') kind='@file' ;;
    'decrypt --passphrase-file') kind='@file' ;;
    'decrypt --passphrase-fd') kind='@none' ;;
    'decrypt --pubkey' | 'decrypt -p') kind='@pubkey' ;;
    'decrypt --trust' | 'decrypt -t') kind='@file' ;;
    'decrypt --require') kind='@none' ;;
    'decrypt --jobs' | 'decrypt -j') kind='@none' ;;
    'decrypt --color') kind='auto|always|never' ;;
    'decrypt --progress') kind='auto|bar|plain|json|none' ;;
    'delta --level') kind='fast|default|best' ;;
    'delta --decoder') kind='tiny|small|full' ;;
    'delta --decoder-memory') kind='@none' ;;
    'delta --memory') kind='@none' ;;
    'delta --page-size') kind='@none' ;;
    'delta --architecture') kind='thumb|arm|aarch64|x86-64|i386|riscv32|riscv64|xtensa|avr|mipsel|mips|powerpc|pointers32|pointers32be|pointers64|pointers64be|relative32|elf-rela64|elf-rel32|elf-sym64|none' ;;
    'delta --format') kind='fwd|bsdiff4|vcdiff|zstd-patch-from' ;;
    'delta --output' | 'delta -o') kind='@file' ;;
    'delta --key' | 'delta -k') kind='@key' ;;
    'delta --signer-pub') kind='@pubkey' ;;
    'delta --journal') kind='@file' ;;
    'delta --identity' | 'delta -i') kind='@key' ;;
    'delta --pkcs11-module') kind='@file' ;;
    'delta --passphrase-file') kind='@file' ;;
    'delta --passphrase-fd') kind='@none' ;;
    'delta --pubkey' | 'delta -p') kind='@pubkey' ;;
    'delta --trust' | 'delta -t') kind='@file' ;;
    'delta --require') kind='@none' ;;
    'delta --jobs' | 'delta -j') kind='@none' ;;
    'delta --color') kind='auto|always|never' ;;
    'delta --progress') kind='auto|bar|plain|json|none' ;;
    'patch --decoder-memory') kind='@none' ;;
    'patch --output' | 'patch -o') kind='@file' ;;
    'patch --jobs' | 'patch -j') kind='@none' ;;
    'patch --color') kind='auto|always|never' ;;
    'patch --progress') kind='auto|bar|plain|json|none' ;;
    'diff --html') kind='@file' ;;
    'diff --identity' | 'diff -i') kind='@key' ;;
    'diff --pkcs11-module') kind='@file' ;;
    'diff --passphrase-file') kind='@file' ;;
    'diff --passphrase-fd') kind='@none' ;;
    'diff --pubkey' | 'diff -p') kind='@pubkey' ;;
    'diff --trust' | 'diff -t') kind='@file' ;;
    'diff --require') kind='@none' ;;
    'diff --jobs' | 'diff -j') kind='@none' ;;
    'diff --color') kind='auto|always|never' ;;
    'diff --progress') kind='auto|bar|plain|json|none' ;;
    'key --jobs' | 'key -j') kind='@none' ;;
    'key --color') kind='auto|always|never' ;;
    'key --progress') kind='auto|bar|plain|json|none' ;;
    'key generate --type') kind='ed25519|age' ;;
    'key generate --purpose') kind='release|delivery|demo' ;;
    'key generate --output' | 'key generate -o') kind='@file' ;;
    'key generate --passphrase-file') kind='@file' ;;
    'key generate --passphrase-fd') kind='@none' ;;
    'key generate --jobs' | 'key generate -j') kind='@none' ;;
    'key generate --color') kind='auto|always|never' ;;
    'key generate --progress') kind='auto|bar|plain|json|none' ;;
    'key show --pkcs11-module') kind='@file' ;;
    'key show --passphrase-file') kind='@file' ;;
    'key show --passphrase-fd') kind='@none' ;;
    'key show --jobs' | 'key show -j') kind='@none' ;;
    'key show --color') kind='auto|always|never' ;;
    'key show --progress') kind='auto|bar|plain|json|none' ;;
    'key list --jobs' | 'key list -j') kind='@none' ;;
    'key list --color') kind='auto|always|never' ;;
    'key list --progress') kind='auto|bar|plain|json|none' ;;
    'key import --output' | 'key import -o') kind='@file' ;;
    'key import --format') kind='minisign|pem|openssh|signify' ;;
    'key import --purpose') kind='release|delivery|demo' ;;
    'key import --new-passphrase-file') kind='@file' ;;
    'key import --new-passphrase-fd') kind='@none' ;;
    'key import --passphrase-file') kind='@file' ;;
    'key import --passphrase-fd') kind='@none' ;;
    'key import --jobs' | 'key import -j') kind='@none' ;;
    'key import --color') kind='auto|always|never' ;;
    'key import --progress') kind='auto|bar|plain|json|none' ;;
    'key export --format') kind='minisign|pem|openssh|signify' ;;
    'key export --new-passphrase-file') kind='@file' ;;
    'key export --new-passphrase-fd') kind='@none' ;;
    'key export --output' | 'key export -o') kind='@file' ;;
    'key export --pkcs11-module') kind='@file' ;;
    'key export --passphrase-file') kind='@file' ;;
    'key export --passphrase-fd') kind='@none' ;;
    'key export --jobs' | 'key export -j') kind='@none' ;;
    'key export --color') kind='auto|always|never' ;;
    'key export --progress') kind='auto|bar|plain|json|none' ;;
    'key passphrase --new-passphrase-file') kind='@file' ;;
    'key passphrase --new-passphrase-fd') kind='@none' ;;
    'key passphrase --passphrase-file') kind='@file' ;;
    'key passphrase --passphrase-fd') kind='@none' ;;
    'key passphrase --jobs' | 'key passphrase -j') kind='@none' ;;
    'key passphrase --color') kind='auto|always|never' ;;
    'key passphrase --progress') kind='auto|bar|plain|json|none' ;;
    'key seal --pcrs') kind='@none' ;;
    'key seal --pin-file') kind='@file' ;;
    'key seal --output' | 'key seal -o') kind='@file' ;;
    'key seal --passphrase-file') kind='@file' ;;
    'key seal --passphrase-fd') kind='@none' ;;
    'key seal --jobs' | 'key seal -j') kind='@none' ;;
    'key seal --color') kind='auto|always|never' ;;
    'key seal --progress') kind='auto|bar|plain|json|none' ;;
    'journal --jobs' | 'journal -j') kind='@none' ;;
    'journal --color') kind='auto|always|never' ;;
    'journal --progress') kind='auto|bar|plain|json|none' ;;
    'journal check --head') kind='@none' ;;
    'journal check --jobs' | 'journal check -j') kind='@none' ;;
    'journal check --color') kind='auto|always|never' ;;
    'journal check --progress') kind='auto|bar|plain|json|none' ;;
    'journal show --jobs' | 'journal show -j') kind='@none' ;;
    'journal show --color') kind='auto|always|never' ;;
    'journal show --progress') kind='auto|bar|plain|json|none' ;;
    'trust --jobs' | 'trust -j') kind='@none' ;;
    'trust --color') kind='auto|always|never' ;;
    'trust --progress') kind='auto|bar|plain|json|none' ;;
    'trust init --pubkey' | 'trust init -p') kind='@pubkey' ;;
    'trust init --threshold') kind='@none' ;;
    'trust init --expires') kind='@none' ;;
    'trust init --days') kind='@none' ;;
    'trust init --output' | 'trust init -o') kind='@file' ;;
    'trust init --jobs' | 'trust init -j') kind='@none' ;;
    'trust init --color') kind='auto|always|never' ;;
    'trust init --progress') kind='auto|bar|plain|json|none' ;;
    'trust add --output' | 'trust add -o') kind='@file' ;;
    'trust add --jobs' | 'trust add -j') kind='@none' ;;
    'trust add --color') kind='auto|always|never' ;;
    'trust add --progress') kind='auto|bar|plain|json|none' ;;
    'trust remove --output' | 'trust remove -o') kind='@file' ;;
    'trust remove --jobs' | 'trust remove -j') kind='@none' ;;
    'trust remove --color') kind='auto|always|never' ;;
    'trust remove --progress') kind='auto|bar|plain|json|none' ;;
    'trust threshold --output' | 'trust threshold -o') kind='@file' ;;
    'trust threshold --jobs' | 'trust threshold -j') kind='@none' ;;
    'trust threshold --color') kind='auto|always|never' ;;
    'trust threshold --progress') kind='auto|bar|plain|json|none' ;;
    'trust revoke --reason') kind='@none' ;;
    'trust revoke --output' | 'trust revoke -o') kind='@file' ;;
    'trust revoke --jobs' | 'trust revoke -j') kind='@none' ;;
    'trust revoke --color') kind='auto|always|never' ;;
    'trust revoke --progress') kind='auto|bar|plain|json|none' ;;
    'trust rotate --expires') kind='@none' ;;
    'trust rotate --days') kind='@none' ;;
    'trust rotate --output' | 'trust rotate -o') kind='@file' ;;
    'trust rotate --jobs' | 'trust rotate -j') kind='@none' ;;
    'trust rotate --color') kind='auto|always|never' ;;
    'trust rotate --progress') kind='auto|bar|plain|json|none' ;;
    'trust sign --old') kind='@file' ;;
    'trust sign --export') kind='@file' ;;
    'trust sign --import') kind='@file' ;;
    'trust sign --output' | 'trust sign -o') kind='@file' ;;
    'trust sign --key' | 'trust sign -k') kind='@key' ;;
    'trust sign --signer-pub') kind='@pubkey' ;;
    'trust sign --journal') kind='@file' ;;
    'trust sign --pkcs11-module') kind='@file' ;;
    'trust sign --passphrase-file') kind='@file' ;;
    'trust sign --passphrase-fd') kind='@none' ;;
    'trust sign --jobs' | 'trust sign -j') kind='@none' ;;
    'trust sign --color') kind='auto|always|never' ;;
    'trust sign --progress') kind='auto|bar|plain|json|none' ;;
    'trust show --old') kind='@file' ;;
    'trust show --jobs' | 'trust show -j') kind='@none' ;;
    'trust show --color') kind='auto|always|never' ;;
    'trust show --progress') kind='auto|bar|plain|json|none' ;;
    'trust check --jobs' | 'trust check -j') kind='@none' ;;
    'trust check --color') kind='auto|always|never' ;;
    'trust check --progress') kind='auto|bar|plain|json|none' ;;
    'trust embed --output' | 'trust embed -o') kind='@file' ;;
    'trust embed --jobs' | 'trust embed -j') kind='@none' ;;
    'trust embed --color') kind='auto|always|never' ;;
    'trust embed --progress') kind='auto|bar|plain|json|none' ;;
    'image --jobs' | 'image -j') kind='@none' ;;
    'image --color') kind='auto|always|never' ;;
    'image --progress') kind='auto|bar|plain|json|none' ;;
    'image info --jobs' | 'image info -j') kind='@none' ;;
    'image info --color') kind='auto|always|never' ;;
    'image info --progress') kind='auto|bar|plain|json|none' ;;
    'image convert --from') kind='raw|ihex|srec|uf2|elf|dfuse' ;;
    'image convert --to') kind='raw|ihex|srec|uf2' ;;
    'image convert --base') kind='@none' ;;
    'image convert --merge') kind='@file' ;;
    'image convert --offset') kind='@none' ;;
    'image convert --crop') kind='@none' ;;
    'image convert --fill') kind='@none' ;;
    'image convert --family') kind='@none' ;;
    'image convert --output' | 'image convert -o') kind='@file' ;;
    'image convert --jobs' | 'image convert -j') kind='@none' ;;
    'image convert --color') kind='auto|always|never' ;;
    'image convert --progress') kind='auto|bar|plain|json|none' ;;
    'install --simulate') kind='@file' ;;
    'install --device' | 'install -d') kind='@file' ;;
    'install --identity' | 'install -i') kind='@key' ;;
    'install --pkcs11-module') kind='@file' ;;
    'install --passphrase-file') kind='@file' ;;
    'install --passphrase-fd') kind='@none' ;;
    'install --jobs' | 'install -j') kind='@none' ;;
    'install --color') kind='auto|always|never' ;;
    'install --progress') kind='auto|bar|plain|json|none' ;;
    'status --device' | 'status -d') kind='@file' ;;
    'status --jobs' | 'status -j') kind='@none' ;;
    'status --color') kind='auto|always|never' ;;
    'status --progress') kind='auto|bar|plain|json|none' ;;
    'confirm --device' | 'confirm -d') kind='@file' ;;
    'confirm --jobs' | 'confirm -j') kind='@none' ;;
    'confirm --color') kind='auto|always|never' ;;
    'confirm --progress') kind='auto|bar|plain|json|none' ;;
    'rollback --reason') kind='@none' ;;
    'rollback --device' | 'rollback -d') kind='@file' ;;
    'rollback --jobs' | 'rollback -j') kind='@none' ;;
    'rollback --color') kind='auto|always|never' ;;
    'rollback --progress') kind='auto|bar|plain|json|none' ;;
    'boot --target') kind='@none' ;;
    'boot --device' | 'boot -d') kind='@file' ;;
    'boot --jobs' | 'boot -j') kind='@none' ;;
    'boot --color') kind='auto|always|never' ;;
    'boot --progress') kind='auto|bar|plain|json|none' ;;
    'completion --jobs' | 'completion -j') kind='@none' ;;
    'completion --color') kind='auto|always|never' ;;
    'completion --progress') kind='auto|bar|plain|json|none' ;;
    'schema --jobs' | 'schema -j') kind='@none' ;;
    'schema --color') kind='auto|always|never' ;;
    'schema --progress') kind='auto|bar|plain|json|none' ;;
    'env --jobs' | 'env -j') kind='@none' ;;
    'env --color') kind='auto|always|never' ;;
    'env --progress') kind='auto|bar|plain|json|none' ;;
    'exit-codes --jobs' | 'exit-codes -j') kind='@none' ;;
    'exit-codes --color') kind='auto|always|never' ;;
    'exit-codes --progress') kind='auto|bar|plain|json|none' ;;
    'version --jobs' | 'version -j') kind='@none' ;;
    'version --color') kind='auto|always|never' ;;
    'version --progress') kind='auto|bar|plain|json|none' ;;
    esac
}

# The kind of the value that the last letter of a word like -nj wants, if it wants one.
_fwpack_letters() {
    local letters=${2#-}
    while [[ -n $letters ]]; do
        _fwpack_kind "$1" "-${letters:0:1}"
        letters=${letters:1}
        [[ -n $kind ]] && break
    done
    [[ -z $letters ]] || kind=
}

# Fills COMPREPLY with what a value $2 of kind $1 can become, each behind the prefix $3.
_fwpack_values() {
    local kind=$1 text=$2 prefix=$3
    if [[ $kind == @pubkey && $text == *=* ]]; then
        prefix+=${text%%=*}=
        text=${text#*=}
    fi
    case $kind in
    @file | @key | @pubkey)
        mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$text")
        if [[ $kind == @key && ${#COMPREPLY[@]} == 0 ]]; then
            compopt -o nospace 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -P "$prefix" -W 'agent: env: exec: fd: pkcs11: tpm2:' -- "$text")
        else
            compopt -o filenames 2>/dev/null
        fi
        ;;
    @folder)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -P "$prefix" -d -- "$text")
        ;;
    @*) ;;
    *) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "${kind//|/ }" -- "$text") ;;
    esac
}

_fwpack() {
    local commands options kind wants='' ended='' path='' count=0 word current
    local line=${COMP_LINE:0:COMP_POINT}
    local -a words arguments
    COMPREPLY=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    current=${words[${#words[@]} - 1]}
    _fwpack_table ''
    for word in "${words[@]:1:${#words[@]}-2}"; do
        kind=
        if [[ -n $wants ]]; then
            wants=
        elif [[ -n $ended || $word != -?* ]]; then
            if [[ " $commands " == *" $word "* ]]; then
                path+=${path:+ }$word
                _fwpack_table "$path"
            elif [[ -z $commands ]]; then
                ((count += 1))
            fi
        elif [[ $word == -- ]]; then
            ended=1
        elif [[ $word == --*=* ]]; then
            :
        elif [[ $word == --* ]]; then
            _fwpack_kind "$path" "$word"
            wants=$kind
        else
            _fwpack_letters "$path" "$word"
            wants=$kind
        fi
    done
    if [[ -n $wants ]]; then
        _fwpack_values "$wants" "$current" ''
    elif [[ -z $ended && $current == --*=* ]]; then
        _fwpack_kind "$path" "${current%%=*}"
        _fwpack_values "${kind:-@none}" "${current#*=}" "${current%%=*}="
    elif [[ -z $ended && $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [[ -n $commands ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    elif ((${#arguments[@]} > 0)); then
        [[ ${arguments[${#arguments[@]} - 1]} == ... ]] || arguments+=(@none)
        ((count < ${#arguments[@]} - 1)) || ((count = ${#arguments[@]} - 2))
        kind=${arguments[count]}
        _fwpack_values "$kind" "$current" ''
    fi
    # What stands before the last = or : is a word of its own to bash, and stays.
    local breaks=${COMP_WORDBREAKS//[^=:]/}
    if [[ -n $breaks && ${#COMPREPLY[@]} -gt 0 ]]; then
        local kept=${current%"${current##*["$breaks"]}"}
        COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    fi
}
complete -F _fwpack fwpack
