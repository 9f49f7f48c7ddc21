"""moto's server on a free port of the loopback interface, with what its CloudFormation leaves out of this deployment.

Prints one line of JSON, {"port": ...}, once it listens; runs until it is told to stop, or its standard input ends.
"""

import json
import os
import sys
import threading

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

import left_out


def main() -> None:
    # There is no container to run functions in: an invocation answers at once, and runs nothing.
    default_user_config["lambda"] = {"use_docker": False}
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=MotoRequestHandler
    )
    os.environ["MOTO_PORT"] = str(server.port)
    left_out.install(f"http://127.0.0.1:{server.port}")
    threading.Thread(target=stop_with_parent, args=(server,), daemon=True).start()
    print(json.dumps({"port": server.port}), flush=True)
    server.serve_forever()


def stop_with_parent(server) -> None:
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
