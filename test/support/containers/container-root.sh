# Makes a root directory for an image out of programs of this machine and what they are linked with.
# $1: the directory; the rest: paths of programs.
set -eu
root=$1
shift
mkdir -p "$root/etc/ssl/certs" "$root/home" "$root/root" "$root/run" "$root/tmp" "$root/var/lib" "$root/usr/bin" \
  "$root/usr/lib" "$root/usr/lib64" "$root/usr/local/bin" "$root/usr/local/lib"
for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
chmod 1777 "$root/tmp"
cp -L "$@" "$root/usr/bin/"
ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/lib[^ ]*\).*/\1/p' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
if [ -f /etc/ssl/certs/ca-certificates.crt ]; then cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; fi
