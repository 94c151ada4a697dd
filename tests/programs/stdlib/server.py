"""An HTTP server in one thread pool and 200 clients under asyncio in the same process: every answer is right."""

LIMIT_SECONDS = 120


def scenario(lab):
    status, expected, errors = lab.plain([lab.script])
    lab.equal((status, errors), (0, b""), "without sonde")
    for options in ([], ["--trace-python-allocators"]):
        run = lab.record_self(options=options)
        lab.equal((run.output, run.errors), (expected, b""), f"{options}: output and errors")
        lab.equal(run.stats()["metadata"]["events_lost"], 0, f"{options}: events lost")
        handled = any(frame.function.endswith("do_GET") for row in run.rows("total") for frame in row.stack)
        lab.true(handled or not options, f"{options}: no block of the handler")


async def ask(port, number, gate):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /{number} HTTP/1.0\r\n\r\n".encode())
        await writer.drain()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return int(answer.rpartition(b"\r\n\r\n")[2])


async def main(port):
    gate = asyncio.Semaphore(20)
    return await asyncio.gather(*[ask(port, number, gate) for number in range(200)])


if __name__ == "__main__":
    import asyncio
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = str(int(self.path[1:]) ** 2).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body + bytes(0))

        def log_message(self, *arguments):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 200

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answers = asyncio.run(main(server.server_port))
    server.shutdown()
    thread.join()
    server.server_close()
    print(answers == [number ** 2 for number in range(200)], sum(answers))
