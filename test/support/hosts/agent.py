# On a host with a kernel of its own (kernel-host.ts): runs the scripts that are posted to it, as root. $1: its address.
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        script = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        environment = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8'}
        with open('/tmp/agent-%d' % id(self), 'w+') as out, open('/tmp/agent-%d-error' % id(self), 'w+') as error:
            code = subprocess.call(['sh', '-c', script], env=environment, cwd='/', stdin=subprocess.DEVNULL, stdout=out, stderr=error)
            for file in (out, error):
                file.seek(0)
            body = json.dumps({'code': code, 'stdout': out.read(), 'stderr': error.read()}).encode()
            for file in (out, error):
                os.unlink(file.name)
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer((sys.argv[1], 8009), Handler).serve_forever()
