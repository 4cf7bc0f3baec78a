#!/bin/sh
# Unpacks Debian's syslog-ng into .venv for `make bench-syslog`. Not installed: its package removes rsyslog, the other peer.
set -eu
cd "$(dirname "$0")/.."

venv=$PWD/.venv
root=$venv/peers/syslog-ng
[ -x "$venv/bin/python" ] || { echo "Run \`make setup\` first." >&2; exit 1; }

packages="syslog-ng-core"
for library in $(apt-cache depends syslog-ng-core | awk '/^ *Depends: lib/ { print $2 }'); do
    dpkg -s "$library" >/dev/null 2>&1 || packages="$packages $library"
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
rm -rf "$root"
mkdir -p "$root"
# shellcheck disable=SC2086 # a list of words is meant
(cd "$folder" && apt-get download -o APT::Sandbox::User=root $packages >/dev/null)
for file in "$folder"/*.deb; do
    dpkg -x "$file" "$root"
done

modules=$(dirname "$(find "$root/usr/lib/syslog-ng" -name 'libafsocket.so')")
libraries=$(find "$root/usr/lib" "$root/lib" -name 'lib*.so.*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd: -)
cat >"$venv/bin/syslog-ng" <<END
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $root/usr/sbin/syslog-ng --module-path=$modules "\$@"
END
chmod 0755 "$venv/bin/syslog-ng"
"$venv/bin/syslog-ng" --version | head -n 1
