# Anlin in a container: the image of `bot` and `worker` in docker-compose.yml; alone it is `anlin run`.
# docker build -t anlin . && docker run -p 8080:8080 -v anlin:/data anlin
FROM python:3.11-slim
RUN useradd --create-home --uid 10001 anlin && install -d -o anlin -g anlin -m 700 /data
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
COPY pyproject.toml requirements.in README.md LICENSE ./
COPY bot ./bot
COPY data ./data
COPY flows ./flows
COPY nlu ./nlu
COPY voice ./voice
# Beside the code, where the product looks for what was trained; nothing is trained when it starts.
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . && python -m nlu.train var/nlu \
    && python -m flows.faq_search var/nlu
USER anlin
ENV ANLIN_HOME=/data ANLIN_HOST=0.0.0.0 ANLIN_PORT=8080 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
CMD ["anlin", "run"]
