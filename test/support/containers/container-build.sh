# Builds the Dockerfile of examples/docker-compose with podman, on an image that stands for its base: this machine's sh
# and coreutils, the Node and the npm that are given. To be run as root.
# $1: an empty directory to work in; $2: the repository; $3: Node; $4: npm's directory; $5: the archive to be written.
set -eu
# Another one, who was first, has built it.
[ ! -e "$5" ] || exit 0
base=$1/base
sh "$2/test/support/containers/container-root.sh" "$base" /bin/sh /usr/bin/env /bin/chmod /bin/chown /bin/ln /bin/mkdir /bin/sleep "$3"
mv "$base/usr/bin/node" "$base/usr/local/bin/node"
mkdir "$base/usr/local/lib/node_modules"
cp -r "$4" "$base/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
mkdir -m 777 "$base/home/node"
printf 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n' >"$base/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\n' >"$base/etc/group"

# Nothing of it is to be left, and no file system of its own can be on one that is an overlay.
for directory in /var/lib/containers /run /var/tmp; do
  mkdir -p "$directory"
  mount -t tmpfs tmpfs "$directory"
done
# Its locks would stay in /dev/shm.
printf '[engine]\nlock_type = "file"\n' >"$1/containers.conf"
export BUILDAH_FORMAT=docker TMPDIR=/var/tmp CONTAINERS_CONF="$1/containers.conf"
tar -C "$base" -c . |
  podman import -q -c 'ENV PATH=/usr/local/bin:/usr/bin' -c 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
    - "docker.io/library/$(sed -n 's/^FROM \([^ ]*\)$/\1/p' "$2/examples/docker-compose/Dockerfile")"
cd "$2"
# With the tag of compose.yml.
image=docker.io/library/$(sed -n 's/^ *image: \(patroni-router:.*\)$/\1/p' examples/docker-compose/compose.yml)
podman build -q --layers=false --isolation=chroot --network=host --pull=never -f examples/docker-compose/Dockerfile \
  -t "$image" .
podman save -q --format docker-archive -o "$5.new" "$image"
# It is large: the ones before are of no use any more.
rm -f "$(dirname "$5")"/*.tar
mv "$5.new" "$5"
