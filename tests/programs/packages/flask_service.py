"""A Flask service with JSON and templates, under load from many connections at once."""

FULL = True
LIMIT_SECONDS = 600
REQUESTS = 3000


def skip(python):
    return None if python.minor >= (3, 9) and not python.debug else "Flask has no release for this version"


def scenario(lab):
    site = lab.site_packages(["flask"])
    more = {"PYTHONPATH": site}
    status, expected, errors = lab.plain([lab.script], environment=more)
    lab.equal((status, errors), (0, b""), "without sonde")
    for options in ([], ["--trace-python-allocators"], ["--aggregate"], ["--sample-rate", "512K"]):
        run = lab.record_self(options=options, environment=more)
        lab.equal((run.output, run.errors), (expected, b""), f"{options}: output and errors")
        lab.equal(run.stats()["metadata"]["events_lost"], 0, f"{options}: events lost")
        if not options:
            lab.true(any(frame.function == "table" for row in run.rows("total") for frame in row.stack),
                     "no block of a view")


def make():
    app = flask.Flask("service")

    @app.route("/square/<int:number>")
    def square(number):
        return flask.jsonify(number=number, square=number * number)

    @app.route("/table/<int:rows>")
    def table(rows):
        return flask.render_template_string(
            "{% for row in rows %}<tr><td>{{ row }}</td></tr>{% endfor %}", rows=range(rows))

    return app


def client(server, numbers, results):
    for number in numbers:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", f"/square/{number}" if number % 3 else f"/table/{number % 50}")
        results.append((number, connection.getresponse().read()))
        connection.close()


def main():
    server = werkzeug.serving.make_server("127.0.0.1", 0, make(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    results = []
    clients = [threading.Thread(target=client, args=(server, range(first, REQUESTS, 20), results))
               for first in range(20)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    server.shutdown()
    thread.join()
    digest = hashlib.sha256()
    for number, answer in sorted(results):
        digest.update(b"%d %s" % (number, answer))
    print(len(results), digest.hexdigest())


if __name__ == "__main__":
    import hashlib
    import http.client
    import logging
    import threading

    import flask
    import werkzeug.serving

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    main()
