"""WordPress on MariaDB and PHP's own web server. Packages wordpress, mariadb-server, php-cli, php-mysql, php-xml."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.peers.running import as_user, folder, free_port, give, missing, need, running

PACKAGE = Path("/usr/share/wordpress")
CONFIG = """<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HOME', 'http://127.0.0.1:{port}');
define('WP_SITEURL', 'http://127.0.0.1:{port}');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_CONTENT_DIR', __DIR__ . '/wp-content');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
INSTALL = """<?php
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = '127.0.0.1';
require 'wp-load.php';
require 'wp-admin/includes/upgrade.php';
wp_install('A blog', 'admin', 'admin@example.com', true, '', 'secret');
$all = ['numberposts' => -1, 'post_status' => 'any', 'post_type' => 'any'];  // pages count for Last-Modified too
foreach (get_posts($all) as $post) wp_delete_post($post->ID, true);
update_option('gmt_offset', 0);
"""
ACT = """<?php
$_SERVER['HTTP_HOST'] = '127.0.0.1';
require 'wp-load.php';
wp_set_current_user(1);
[$verb, $given, $at] = json_decode(stream_get_contents(STDIN), true);
$made = $verb($given);
if (is_wp_error($made) || !$made) { fwrite(STDERR, print_r($made, true)); exit(1); }
if ($verb != 'wp_insert_comment') {  // else two posts of one second have one Last-Modified
    $dates = ['post_modified' => $at, 'post_modified_gmt' => $at];
    $wpdb->update($wpdb->posts, $dates, ['ID' => $made]);
}
echo $made;
"""


@dataclass(frozen=True, slots=True)
class WordPress:
    """A running blog."""

    site: Path
    port: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, title: str, content: str, at: datetime) -> int:
        """Publish; the number of the post."""
        dates = {"post_date": _stamp(at), "post_date_gmt": _stamp(at), "post_status": "publish"}
        return self._act("wp_insert_post", {"post_title": title, "post_content": content} | dates, at)

    def edit(self, number: int, content: str, at: datetime) -> None:
        self._act("wp_update_post", {"ID": number, "post_content": content}, at)

    def comment(self, number: int, author: str, content: str, at: datetime) -> None:
        """An approved comment."""
        said = {"comment_post_ID": number, "comment_author": author, "comment_content": content}
        dates = {"comment_date": _stamp(at), "comment_date_gmt": _stamp(at), "comment_approved": 1}
        self._act("wp_insert_comment", said | dates, at)

    def _act(self, verb: str, given: Mapping[str, Any], at: datetime) -> int:
        return int(_php(self.site, "act.php", json.dumps([verb, given, _stamp(at)])))


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


@contextmanager
def wordpress() -> Iterator[WordPress]:
    """A blog without posts, until the end of the context."""
    server, install = (need(name, "mariadb-server") for name in ("mariadbd", "mariadb-install-db"))
    php = need("php", "php-cli php-mysql php-xml")
    if not (PACKAGE / "wp-load.php").exists():
        missing("no WordPress: apt-get install wordpress")
    with folder() as place:
        socket, data, port = place / "s", place / "data", free_port()
        auth = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        _run([install, "--no-defaults", f"--datadir={data}", *auth], place)
        site = _unpack(place / "wp", socket, port)
        quick = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--innodb-buffer-pool-size=32M"]
        database_port = free_port()
        net = ["--bind-address=127.0.0.1", f"--port={database_port}", f"--socket={socket}", f"--pid-file={place}/pid"]
        with running([server, "--no-defaults", f"--datadir={data}", *net, *quick], place, database_port):
            client = need("mariadb", "mariadb-server")
            _run([client, "--no-defaults", f"--socket={socket}", "-uroot", "-eCREATE DATABASE wordpress"], place)
            _php(site, "install.php")
            workers = {"PHP_CLI_SERVER_WORKERS": "2"}
            with running([php, "-q", "-S", f"127.0.0.1:{port}", "-t", site], place, port, workers):
                yield WordPress(site, port)


def _unpack(site: Path, socket: Path, port: int) -> Path:
    ignored = shutil.ignore_patterns("wp-config.php", "languages", "cache")
    shutil.copytree(PACKAGE, site, ignore=ignored, ignore_dangling_symlinks=True)
    (site / "wp-config.php").write_text(CONFIG.format(socket=socket, port=port))
    (site / "install.php").write_text(INSTALL)
    (site / "act.php").write_text(ACT)
    give(site)
    return site


def _php(site: Path, script: str, given: str = "") -> str:
    return _run([need("php", "php-cli"), "-d", "sendmail_path=/bin/true", script], site, given)


def _run(command: list[str], place: Path, given: str = "") -> str:
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(place)}
    done = subprocess.run(
        command, cwd=place, input=given, env=environ, capture_output=True, text=True, check=False, **as_user()
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return str(done.stdout)
