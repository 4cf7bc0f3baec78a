#!/bin/sh
# Installs the programs that the tests talk to. Nothing is started: the tests start their own on free ports.
set -eu

peers="snmpd snmp snmptrapd rsyslog rsyslog-gnutls rsyslog-relp prometheus prometheus-alertmanager victoria-metrics \
chromium postgresql poppler-utils smitools fonts-dejavu-core iproute2 iputils-ping charon-systemd \
strongswan-swanctl libcharon-extra-plugins libstrongswan-standard-plugins keepalived"

if ! command -v apt-get >/dev/null; then
    echo "apt-get is missing here; install by other means what these Debian packages hold: $peers" >&2
    exit 0
fi

missing=""
for peer in $peers; do
    dpkg -s "$peer" >/dev/null 2>&1 || missing="$missing $peer"
done
# Another Node than Debian's will do.
command -v npm >/dev/null || missing="$missing npm"

# Grafana's own types of a dashboard, by name and hash.
grafana_types() {
    types="$(dirname "$0")/grafana-types"
    [ ! -e "$types/node_modules/typescript" ] || return 0
    npm ci --prefix "$types" --silent --no-audit --no-fund --ignore-scripts </dev/null ||
        echo "npm could not install Grafana's types into $types; the test that needs them will say so." >&2
}
[ -n "$missing" ] || { grafana_types; exit 0; }

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Run as root, or install sudo, to install:$missing" >&2; exit 1; }
    as_root="sudo -n"
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 0755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi

log=$(mktemp)
echo "Installing the tests' peers:$missing"
quietly() {
    $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; exit 1; }
}
quietly apt-get update
# shellcheck disable=SC2086 # a list of words is meant
quietly apt-get install --yes --no-install-recommends $missing
rm -f "$log"
grafana_types
