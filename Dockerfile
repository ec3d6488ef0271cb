# onehop as a service: docs/how-to/deploy/image.md says how to run it.
#
#   docker build -t onehop .
#   docker run -d --name onehop -p 127.0.0.1:3001:3001 -v onehop:/data --read-only --tmpfs /tmp \
#       --cap-drop ALL --security-opt no-new-privileges onehop
#   docker exec onehop onehop agents add admin --role admin

FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS build
WORKDIR /build
COPY deploy/requirements.txt deploy/build-requirements.txt ./
# Wheels only, each known by its hash, the build's own as well: nothing else that is downloaded runs
# while the image is made.
RUN python -m venv --without-pip /opt/onehop \
    && python -m pip --python /opt/onehop install --no-cache-dir --no-deps --no-compile \
        --only-binary :all: --require-hashes --requirement requirements.txt \
    && python -m venv --without-pip /opt/build \
    && python -m pip --python /opt/build install --no-cache-dir --no-deps \
        --only-binary :all: --require-hashes --requirement build-requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip --python /opt/build wheel --no-cache-dir --no-deps --no-build-isolation \
        --no-index --wheel-dir wheels . \
    && python -m pip --python /opt/onehop install --no-cache-dir --no-deps --no-compile wheels/*.whl \
    && /opt/onehop/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/onehop/lib
COPY --chmod=0555 deploy/healthcheck.py /opt/onehop/bin/

FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# Numbers, so that Kubernetes can see that it is not root. The folder of the data belongs to the
# service; the one it is started in does not, for onehop.toml is read from there.
RUN groupadd --gid 10001 onehop \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin onehop \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data \
    && install --directory --mode 0755 /etc/onehop
COPY --from=build /opt/onehop /opt/onehop
ENV PATH=/opt/onehop/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data \
    ONEHOP_HOST=0.0.0.0 \
    ONEHOP_PORT=3001 \
    ONEHOP_STORE=sqlite:////data/onehop.sqlite \
    ONEHOP_JOURNAL=/data/journal
VOLUME /data
WORKDIR /etc/onehop
USER 10001:10001
EXPOSE 3001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "/opt/onehop/bin/healthcheck.py"]
ENTRYPOINT ["onehop"]
CMD ["serve"]
