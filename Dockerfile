# Built from the root of the repository: docker build --tag <registry>/apono-operator:0.1.0 .
# BASE may name a digest, or another image that has Python 3.11 to 3.13 and pip.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/ requirements/
RUN python -m venv --without-pip /opt/apono-operator \
    && pip --python /opt/apono-operator/bin/python install --require-hashes --requirement requirements/runtime.txt
# The build backend and what it needs, as the development lock has them.
RUN awk '/^[a-z]/ {wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} wanted' \
      requirements/dev.txt > build.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --requirement build.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/apono-operator/bin/python install --no-deps dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="apono-operator" \
      org.opencontainers.image.description="Kubernetes operator that keeps Apono connectors for AWS on EKS" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# Owned by root: the operator cannot change its own code.
COPY --from=build /opt/apono-operator /opt/apono-operator
ENV PATH="/opt/apono-operator/bin:${PATH}" HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["apono-operator"]
CMD ["run"]
