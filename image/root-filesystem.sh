#!/bin/sh
# Assemble in $2 what the virtual environment $1 needs to run, and nothing else: Python without what develops or
# installs, the shared libraries that both are linked with, certificates. No shell, no package manager.
# For scanners and lawyers each Debian package that a library is of leaves its description and its licence.
set -eu

environment=$1
root=$2
prefix=$(python -c 'import sys; print(sys.base_prefix)')
library=$prefix/lib/python3.12

put() { # a file, under the same name, where it really lies
  directory=$(readlink -f "$(dirname "$1")")
  mkdir -p "$root$directory"
  cp -L "$1" "$root$directory/"
}

declare_package() { # of a library
  package=$(dpkg --search "*/$(basename "$1")" 2>/dev/null | sed -n '1s/:.*//p')
  [ -n "$package" ] || return 0
  mkdir -p "$root/var/lib/dpkg/status.d" "$root/usr/share/doc/$package"
  dpkg --status "$package" > "$root/var/lib/dpkg/status.d/$package"
  cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
}

put "$prefix/bin/python3.12"
ln -s python3.12 "$root$prefix/bin/python3"
ln -s python3.12 "$root$prefix/bin/python"
mkdir -p "$root$prefix/lib" "$root$(dirname "$environment")"
cp -a "$library" "$root$prefix/lib/"
cp -a "$environment" "$root$environment"
(
  cd "$root$library"
  rm -rf site-packages config-3.12-* ensurepip venv test idlelib tkinter turtledemo turtle.py lib2to3 pydoc_data
  rm -f lib-dynload/_tkinter.* lib-dynload/_test* lib-dynload/_ctypes_test.* lib-dynload/xx* lib-dynload/nis.*
  mkdir site-packages
)
# Modules of Python that are scripts too; nobody shall start them.
find "$root" -type f -path '*/lib/python3*' ! -name '*.so*' -perm /111 -exec chmod a-x {} +

# ldd tells "name => path (address)", and the loader as "path (address)".
find "$root" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/python3.12' \) -exec ldd {} + 2>/dev/null \
  | awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\/.*ld-/ && $2 != "=>" {print $1}' | sort -u > /tmp/libraries
while read -r each; do
  put "$each"
  declare_package "$each"
done < /tmp/libraries
for link in /lib /lib64; do
  if [ -L "$link" ]; then cp -a "$link" "$root/"; fi
done

mkdir -p "$root/etc/ssl/certs" "$root/usr/lib/ssl" "$root/tmp"
cp -aL /etc/ld.so.conf /etc/ld.so.conf.d "$root/etc/"
ldconfig -r "$root"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
echo 'operator:x:65532:65532::/tmp:/nonexistent' > "$root/etc/passwd"
echo 'operator:x:65532:' > "$root/etc/group"
chmod 1777 "$root/tmp"

# Compiled once and for all: the operator may not write, and would compile all of it at each start.
find "$root" -name __pycache__ -prune -exec rm -r {} +
python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash -s "$root" "$root$library" "$root$environment"
