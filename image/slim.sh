#!/bin/sh
# Take out of the virtual environment $1 what the operator never imports or reads.
set -eu

packages=$(echo "$1"/lib/python3.*/site-packages)

# botocore's descriptions of the services that the operator does not call; the few files beside them serve all.
find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d \
  ! -name cloudformation ! -name iam ! -name organizations ! -name sso-admin ! -name sts \
  -exec rm -r {} +
# boto3's resources and examples: only its clients are used.
rm -r "$packages/boto3/data" "$packages/boto3/examples"
# The asynchronous twin of the Kubernetes client, and the sources of compiled modules.
rm -r "$packages/kubernetes/aio"
find "$packages" \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.pyi' \) -delete
# Scripts of dependencies, which start with nothing that the operator needs, and those that set up a shell.
find "$1/bin" -mindepth 1 ! -name 'python*' ! -name apono-operator -delete
