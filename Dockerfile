# Built from the root of the repository: docker build --tag <registry>/apono-operator:0.1.0 .
# BASE may name a digest, or another image of Debian's kind that has Python 3.12, pip and dpkg.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/ requirements/
# Behind a proxy or with an index of one's own: docker build --secret id=pip,src=pip.conf
RUN --mount=type=secret,id=pip,target=/etc/pip.conf,required=false \
    python -m venv --without-pip /opt/apono-operator \
    && pip --python /opt/apono-operator/bin/python install --require-hashes --requirement requirements/runtime.txt
# The build backend and what it needs, as the development lock has them.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf,required=false \
    awk '/^[a-z]/ {wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} wanted' \
      requirements/dev.txt > build.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --requirement build.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/apono-operator/bin/python install --no-deps dist/*.whl
COPY image/ image/
RUN sh image/slim.sh /opt/apono-operator \
    && sh image/root-filesystem.sh /opt/apono-operator /root-filesystem

FROM scratch
LABEL org.opencontainers.image.title="apono-operator" \
      org.opencontainers.image.description="Kubernetes operator that keeps Apono connectors for AWS on EKS" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# Owned by root: the operator cannot change its own code.
COPY --from=build /root-filesystem /
ENV PATH="/opt/apono-operator/bin" HOME=/tmp LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["apono-operator"]
CMD ["run"]
