# SPDX-License-Identifier: Apache-2.0
# fish completion for exc(1)

set -l top compute login me ssh-config
set -l compute connect exec scp console tunnel connect-log
set -l target connect exec scp

complete -c exc -f
complete -c exc -n "not __fish_seen_subcommand_from $top" -a compute -d 'reach a VM'
complete -c exc -n "not __fish_seen_subcommand_from $top" -a login -d 'check a token and save it'
complete -c exc -n "not __fish_seen_subcommand_from $top" -a me -d 'show who you are'
complete -c exc -n "not __fish_seen_subcommand_from $top" -a ssh-config -d 'print ssh_config lines for plain ssh'
complete -c exc -n "not __fish_seen_subcommand_from $top" -l version -d 'show the version'
complete -c exc -s h -l help -d 'show help'

set -l in_compute "__fish_seen_subcommand_from compute; and not __fish_seen_subcommand_from $compute"
complete -c exc -n $in_compute -a connect -d 'log in to a VM'
complete -c exc -n $in_compute -a exec -d 'run one command'
complete -c exc -n $in_compute -a scp -d 'copy files'
complete -c exc -n $in_compute -a console -d 'open the serial console'
complete -c exc -n $in_compute -a tunnel -d 'connect ssh, as its ProxyCommand'
complete -c exc -n $in_compute -a connect-log -d 'show who asked for keys'

set -l any "__fish_seen_subcommand_from $compute login me ssh-config"
complete -c exc -n $any -l endpoint -x -d 'the address of the control plane'
complete -c exc -n $any -l cacert -r -F -d 'trust this CA'
complete -c exc -n "__fish_seen_subcommand_from $compute" -l vm-id -x -d 'the VM'
complete -c exc -n "__fish_seen_subcommand_from $target tunnel ssh-config" -l user -x -d 'log in as this user'
complete -c exc -n "__fish_seen_subcommand_from $target tunnel ssh-config" -l via -x -a 'direct tunnel' -d 'how to reach the VM'
complete -c exc -n "__fish_seen_subcommand_from $target" -l dry-run -d 'print the command that would run'
complete -c exc -n "__fish_seen_subcommand_from exec" -l command -x -d 'what to run'
complete -c exc -n "__fish_seen_subcommand_from scp" -l src -r -F -d 'what to copy'
complete -c exc -n "__fish_seen_subcommand_from scp" -l dst -r -F -d 'where to copy it'
complete -c exc -n "__fish_seen_subcommand_from scp" -l download -d 'copy from the VM'
complete -c exc -n "__fish_seen_subcommand_from scp" -l recursive -d 'copy a directory'
complete -c exc -n "__fish_seen_subcommand_from tunnel" -l host -x -d 'the VM as ssh names it'
complete -c exc -n "__fish_seen_subcommand_from tunnel" -l folder -r -F -d 'where agent.sock is'
complete -c exc -n "__fish_seen_subcommand_from tunnel" -l pass -d 'hand the connection to ssh'
complete -c exc -n "__fish_seen_subcommand_from tunnel" -l session -d 'tunnel for a session'
complete -c exc -n "__fish_seen_subcommand_from connect-log" -l limit -x -d 'the last N events'
complete -c exc -n "__fish_seen_subcommand_from connect-log me" -l json -d 'print JSON'
complete -c exc -n "__fish_seen_subcommand_from login" -l token-stdin -d 'read the token from standard input'
