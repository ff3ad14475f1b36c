/** The daemons with the TOML files of the official ones: every key that their examples have, set or commented out. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { OptionTable } from '../../src/util/option.ts'
import { configKey, resolveOptions } from '../../src/util/option-values.ts'
import { commands } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/cli/config.ts'
import { runProgram } from '../../src/cli/program.ts'
import { nsqadminOptions } from '../../src/nsqadmin/options.ts'
import { nsqdOptions } from '../../src/nsqd/options.ts'
import { nsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { until } from '../support/wait.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { fakeSurroundings } from './fakes.ts'

const NSQD = `
verbose = false
log_level = "warn"
log_prefix = "[example] "
id = 515
tcp_address = "0.0.0.0:1"
http_address = "0.0.0.0:1"
https_address = "0.0.0.0:4152"
broadcast_address = "example.com"
broadcast_tcp_port = 5150
broadcast_http_port = 5151
nsqlookupd_tcp_addresses = [
    "127.0.0.1:1",
    "127.0.0.1:2"
]
http_client_connect_timeout = "3s"
http_client_request_timeout = "6s"
# data_path is given by a flag
mem_queue_size = 10001
max_bytes_per_file = 104857601
sync_every = 2501
sync_timeout = "2.5s"
queue_scan_worker_pool_max = 4
queue_scan_selection_count = 20
msg_timeout = "61s"
max_msg_timeout = "16m"
max_msg_size = 1024769
max_req_timeout = "2h"
max_body_size = 5123841
max_heartbeat_interval = "59s"
max_rdy_count = 2501
max_output_buffer_size = 65537
max_output_buffer_timeout = "1.5s"
min_output_buffer_timeout = "26ms"
output_buffer_timeout = 251
max_channel_consumers = 3
statsd_address = "127.0.0.1:8125"
statsd_prefix = "example.%s"
statsd_interval = "61s"
statsd_mem_stats = false
statsd_udp_packet_size = 509
statsd_exclude_ephemeral = true
e2e_processing_latency_percentiles = [
    1.0,
    0.99,
    0.95
]
e2e_processing_latency_window_time = "11m"
tls_cert = ""
tls_key = ""
tls_client_auth_policy = ""
tls_root_ca_file = ""
tls_required = false
tls_min_version = ""
deflate = false
max_deflate_level = 5
snappy = false
auth_http_addresses = ["127.0.0.1:1"]
auth_http_request_method = "post"
`

const NSQLOOKUPD = `
verbose = false
log_level = "WARN"
log_prefix = "[example] "
tcp_address = "0.0.0.0:1"
http_address = "0.0.0.0:1"
broadcast_address = "example.com"
inactive_producer_timeout = "301s"
tombstone_lifetime = "46s"
`

const NSQADMIN = `
log-level = "warn"
log_prefix = "[example] "
verbose = false
http_address = "0.0.0.0:1"
base_path = "/nsq"
graphite_url = "http://127.0.0.1:1"
proxy_graphite = true
statsd_prefix = "example.%s"
statsd_counter_format = "a.%s"
statsd_gauge_format = "b.%s"
statsd_interval = "61s"
notification_http_endpoint = "http://127.0.0.1:1/"
nsqlookupd_http_addresses = [
    "127.0.0.1:1"
]
nsqd_http_addresses = []
http_client_connect_timeout = "3s"
http_client_request_timeout = "6s"
http_client_tls_insecure_skip_verify = false
http_client_tls_root_ca_file = ""
http_client_tls_cert = ""
http_client_tls_key = ""
allow_config_from_cidr = "10.0.0.0/8"
acl_http_header = "X-Example"
admin_users = ["ada", "grace"]
dev_static_dir = ""
`

/** What is not in the table of the command's own options. */
const LOOPBACK = '127.0.0.1:0'

interface Daemon {
  name: string
  config: string
  table: OptionTable
  flags: (folder: string) => string[]
}

const DAEMONS: Daemon[] = [
  {
    name: 'nsqd',
    config: NSQD,
    table: nsqdOptions,
    flags: folder => ['--tcp-address', LOOPBACK, '--https-address=', '--data-path', folder],
  },
  {
    name: 'nsqlookupd',
    config: NSQLOOKUPD,
    table: nsqlookupdOptions,
    flags: () => ['--tcp-address', LOOPBACK],
  },
  { name: 'nsqadmin', config: NSQADMIN, table: nsqadminOptions, flags: () => [] },
]

for (const { name, config, table, flags } of DAEMONS) {
  describe(`${name} --config`, () => {
    test('takes every key of the official example', async () => {
      const folder = temporaryFolder()
      const file = join(folder, 'official.cfg')
      writeFileSync(file, config)
      const read = await readConfig(file)
      const keyed = Object.fromEntries(
        Object.entries(read).map(([key, value]) => [key.replaceAll('-', '_'), value]),
      )
      const values = Object.entries(resolveOptions(table, {}, {}, keyed))
      const byDefault: Record<string, unknown> = resolveOptions(table, {}, {})
      const known = new Set(Object.entries(table).map(([flag, entry]) => configKey(flag, entry)))
      assert.deepEqual(
        Object.keys(keyed).filter(key => !known.has(key)),
        [],
      )
      // Each of them says something else than the default, but for what is empty or off there.
      const differing = values.filter(
        ([key, value]) => JSON.stringify(byDefault[key]) !== JSON.stringify(value),
      )
      const saying = Object.values(read).filter(
        value => value !== '' && value !== false && !(Array.isArray(value) && value.length === 0),
      )
      assert.ok(differing.length >= saying.length, `${differing.length} of ${saying.length}`)
    })

    test('runs with it, flags and variables counting more, and a context not at all', async () => {
      const folder = temporaryFolder()
      const file = join(folder, 'official.cfg')
      writeFileSync(file, config)
      writeFileSync(
        join(folder, 'contexts.toml'),
        'current = "a"\n[contexts.a]\nlookupd-http-address = ["context:1"]\ntls-cert = "/context"\ntls-key = "/context"\n',
      )
      const env = {
        NSQ_LOG_LEVEL: 'info',
        NSQ_CONFIG_DIR: folder,
        NSQ_CONTEXT: 'a',
        NSQ_HTTP_ADDRESS: 'x:99999',
      }
      const around = fakeSurroundings(env, [], folder)
      const args = ['--config', file, '--http-address', LOOPBACK, ...flags(join(folder, 'data'))]
      const ended = runProgram(name, args, commands, around)
      await until(
        () => /HTTP: listening on 127\.0\.0\.1:\d+/.test(around.err()) || around.err().includes('help'),
      )
      around.stop.abort('SIGTERM')
      assert.equal(await ended, 0, around.err())
      assert.doesNotMatch(around.err(), /ignored|context/)
      assert.match(around.err(), /^\[example\] /m)
    })
  })
}
