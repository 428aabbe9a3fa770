"""A real node: kubelet, containerd and kube-proxy beside the sandbox's control plane, with images built here.

It needs root, and the Debian packages of `packages`. All of it runs in namespaces of its own (`enclosure`), which
nothing leaves: processes, mounts and network end together.
"""
