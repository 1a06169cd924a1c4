#!/usr/bin/env bash
# Proves that ./run needs nothing but a minimal Debian 12: makes one in FOLDER (kept, so that a second proof starts from
# it), copies this tree into a throw-away copy of it, and runs each COMMAND line there. Needs root and debootstrap.
#   tests/fresh/prove.sh FOLDER ['./run doctor' './run' './run test' ...]
# A command that starts with 'offline:' runs without a network; one that starts with 'user:' runs as an ordinary user.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(mkdir -p "${1:?usage: tests/fresh/prove.sh FOLDER [COMMAND...]}" && cd "$1" && pwd)
shift
(($#)) || set -- 'user:./run' './run doctor' './run' './run' './run test' 'offline:./run test'
base=$folder/base root=$folder/root

if [[ ! -e $base/.complete ]]; then
  # shellcheck disable=SC2016  # apt fills it in
  mirror=$(apt-get indextargets --format '$(SITE)' | sort -u | grep -m 1 'debian/\?$')
  debootstrap --variant=minbase bookworm "$base" "$mirror"
  rm -f "$base/etc/apt/sources.list"
  cp -r /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d "$base/etc/apt/" 2>/dev/null || true
  find "$base/etc/apt/sources.list.d" -type f ! -name 'debian*' -delete
  cp /etc/resolv.conf "$base/etc/resolv.conf"
  chroot "$base" useradd --create-home --home-dir /srv/newcomer newcomer
  touch "$base/.complete"
fi

cleanup() { umount "$root/proc" 2>/dev/null || true; }
trap cleanup EXIT
cleanup
rm -rf --one-file-system "$root"
cp -a "$base" "$root"
mount -t proc proc "$root/proc"
mkdir "$root/srv/newcomer/meltquench"
tar -C "$tree" --exclude=./build --exclude=./.venv --exclude=./runs --exclude=./.git --exclude=__pycache__ -cf - . |
  tar -C "$root/srv/newcomer/meltquench" -xf -

worst=0
for command in "$@"; do
  wrapper=() user=root
  case $command in
    offline:*) command=${command#offline:} wrapper=(unshare --net) ;;
    user:*) command=${command#user:} user=newcomer ;;
  esac
  printf '\n=== %s (as %s%s)\n' "$command" "$user" "${wrapper:+, without a network}"
  start=$SECONDS status=0
  "${wrapper[@]}" chroot --userspec="$user:$user" "$root" /usr/bin/env -i HOME=/srv/newcomer TERM=dumb LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd ~/meltquench && $command" </dev/null || status=$?
  printf '=== exit %d after %d s\n' "$status" "$((SECONDS - start))"
  ((status <= worst)) || worst=$status
done
exit "$worst"
