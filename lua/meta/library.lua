---@meta
-- For resource types: what `require "resource"`, `require "sh"` and `require "provider"` give.

---A row of a schema: `{ "string", required = true, doc = "..." }`.
---@class slipway.Row
---@field [1] "string" | "int" | "number" | "bool" | "list" | "map" | "any"
---@field of? string | table<string, slipway.Row> type of the elements, or their shape; of a map: its shape
---@field open? boolean with a shape: other keys are allowed
---@field required? boolean
---@field default? any
---@field immutable? boolean a change means replace
---@field computed? boolean set by the world, not compared
---@field sensitive? boolean
---@field derived? boolean follows from other attributes: shown only where it changes
---@field health? boolean how it is doing, which moves by itself: no plan is stale for it
---@field write_only? boolean shown, not compared
---@field one_of? any[]
---@field doc? string

---One resource as a type's functions see it: every attribute, and:
---@class slipway.Item
---@field name string the resource's name (an API type's own attribute `name`, where that is set)
---@field prior? table attributes in the state
---@field have? table what was read; apply, result, remove, create, update, delete
---@field triggered? boolean restart_on fired
---@field action? "create" | "update" | "delete"
---@field _name string the resource's name in any case
---@field _address string
---@field _token? string idempotency token, in an API
---@field _declared? boolean for list: the playbook has it; else it is only in the state
---@field _begun? table for list: what a dead run of that token set out to make
---@field [string] any

---What a fragment printed.
---@class slipway.Output
---@field ok boolean status 0
---@field status integer
---@field raw string stdout, exactly
---@field text string stdout without newlines at its end
---@field lines string[]
---@field err string stderr
---@field truncated boolean

---@class slipway.Step
---@field script? slipway.Text
---@field uploads? { path: string, source?: string, data?: slipway.Text, sha256?: slipway.Text }[]
---@field timeout? number seconds
---@field reconnect? boolean the connection may drop at its end

---@class slipway.Spec
---@field doc string
---@field on? "host" | "api"
---@field provider? string of an API
---@field owns_host? boolean deleting it takes everything on hosts that refer to it
---@field data? boolean in an API: a data source, which has `list` and no other function; its name begins with "data."
---@field ephemeral? boolean acts only when something that depends on it acts; never in the state
---@field unique? boolean in an API: a second create of the same cannot make a second thing, for the API refuses it
---@field open? boolean attributes beyond the schema are allowed
---@field name? { doc: string, pattern: string }
---@field schema table<string, slipway.Row>
---@field declare? fun(attributes: table, name: string): table? where it is declared, with references in place
---@field many? fun(t: table): { [1]: string, [2]: table? }[] the form `h:type { ... }`
---@field normalise? fun(want: table, name: string): table?
---@field probe? fun(r: slipway.Item): slipway.Text
---@field read? fun(out: slipway.Output, r: slipway.Item): table?
---@field probe_all? fun(rs: slipway.Item[]): slipway.Text
---@field read_all? fun(out: slipway.Output, rs: slipway.Item[]): table<string, table>
---@field apply? fun(r: slipway.Item): slipway.Text | slipway.Step | nil
---@field result? fun(out: slipway.Output, r: slipway.Item): table?
---@field remove? fun(r: slipway.Item): slipway.Text | slipway.Step | nil
---@field list? async fun(client: table, items: slipway.Item[]): table<string, table>
---@field create? async fun(client: table, r: slipway.Item, line: fun(text: string)): table?
---@field update? async fun(client: table, r: slipway.Item, line: fun(text: string)): table?
---@field delete? async fun(client: table, r: slipway.Item, line: fun(text: string))
---@field import? async fun(client: table, id: string): table?

---A new resource type. Context: at the top of a file that is loaded by require.
---@param name string
---@return fun(spec: slipway.Spec): fun(name: string): fun(attributes: table): slipway.Resource
function resource(name) end

---A shell fragment: `{key}` becomes the quoted value, a list several words; `{{` and `}}` are braces. A `{key}` within quotes is an error.
---@class sh
---@overload fun(text: string, vars?: table): slipway.Text
sh = {}

---One fragment of several; empty ones are left out.
---@param fragments slipway.Text[]
---@return slipway.Text
---@nodiscard
function sh.join(fragments) end

---The quoted word of a value, or the words of a list.
---@param value any
---@return slipway.Text
---@nodiscard
function sh.quote(value) end

---Shell functions for every fragment of a batch, sent once. Context: at the top of a file.
---@param code string
function sh.prelude(code) end

---@class slipway.Io
local io = {}

---Runs a local program and waits for it; at most 16 run at a time. Context: list, create, update, delete, import.
---@async
---@param options { argv: slipway.Text[], input?: slipway.Text, env?: table<string, slipway.Text>, timeout?: number }
---@return { ok: boolean, status: integer, out: string, err: string }
function io.run(options) end

---@class slipway.HttpRequest
---@field url string percent-encoded
---@field method? string
---@field headers? table<string, slipway.Text>
---@field body? slipway.Text
---@field timeout? number seconds
---@field max_body? integer bytes
---@field ca_file? string
---@field ca? slipway.Text PEM: the only CAs trusted
---@field cert? slipway.Text PEM: the client's certificate, with its chain
---@field key? slipway.Text PEM: its private key
---@field server_name? string what the server's certificate must say, where that is not the URL's host
---@field proxy? slipway.Text a URL, instead of the environment's
---@field tunnel? slipway.Tunnel the way there
---@field multiplex? boolean rather wait for a connection that is being made than make another: for servers that speak HTTP/2
---@field stream? boolean gives a slipway.Stream at once
---@field note? string for the log: what is asked
---@field sign? { service: string, region: string, key: slipway.Text, secret: slipway.Text, token?: slipway.Text, time?: number, s3?: boolean }

---@class slipway.HttpAnswer
---@field elapsed number seconds
---@field status? integer
---@field body? string
---@field headers? table<string, string> names in lower case
---@field error? "timeout" | "unreachable" | "tls" | "too_large" | "cancelled" | "invalid" no whole answer came
---@field message? string
---@field sent? boolean with `error`: it may have had its effect

---One request; redirects are not followed, nothing is tried again. Context: as for run.
---@async
---@param request slipway.HttpRequest
---@return slipway.HttpAnswer
function io.http(request) end

---An answer as it comes. One coroutine at a time waits for a line.
---@class slipway.Stream
local stream = {}

---The next line, without its end; nil at the end of the answer; false when `seconds` passed before.
---@async
---@param seconds? number at most
---@return string | false | nil
function stream:line(seconds) end

---How it went: as from io.http, without the body; nil before the answer has begun.
---@return slipway.HttpAnswer?
function stream:result() end

---Ends it.
function stream:close() end

---@class slipway.Tunnel

---A way to one TCP port through a machine's SSH session. The session is made with the first connection, and shared.
---@param options table a connection as a host has it, and to_address ["127.0.0.1"], to_port
---@return slipway.Tunnel
function io.tunnel(options) end

---@async
---@param seconds number
function io.sleep(seconds) end

---@class slipway.Event
local event = {}

---Lets those go on that wait, now and later.
function event:set() end

---@async
---@param seconds? number at most
---@return boolean set
function event:wait(seconds) end

---@return slipway.Event
function io.event() end

---Runs the functions as coroutines at the same time and waits until all have ended; then the first error, if there was one.
---@async
---@param functions (async fun(): any)[]
---@param limit? integer at most so many at a time (64)
---@return any[] results
function io.all(functions, limit) end

---Seconds since 1970, with a fraction.
---@return number
function io.now() end

---0 <= x < 1
---@return number
function io.random() end

---@param name string
---@param secret? boolean
---@return slipway.Text?
function io.env(name, secret) end

---At most 1 MiB; nil when there is no such file.
---@param path string
---@param secret? boolean
---@return slipway.Text?
function io.read_file(path, secret) end

---@class slipway.ProviderModule
local provider_module = {}

---How resource types in an API reach it: `client` makes what their functions get, once for each configuration. Context: at the top of a file.
---@param name string
---@param spec { client: (async fun(config: table, io: slipway.Io): table), check?: fun(config: table), hide?: (fun(config: table): table) }
function provider_module.define(name, spec) end

---Raises for a configuration that its provider's `check` refuses.
---@param configuration table
function provider_module.check(configuration) end

---The configuration as it is kept in plans: what its provider's `hide` makes of it.
---@param configuration table
---@return table
function provider_module.kept(configuration) end

-- In tests/lua only.

---@param condition any
---@param message? string
function check(condition, message) end

---Deep; secrets are equal when what they hide is.
---@param got any
---@param wanted any
---@param message? string
function equal(got, wanted, message) end

---The function ends with an error whose message matches.
---@param fn function
---@param pattern? string
---@return string? message
---@return string? hint
function raises(fn, pattern) end

---@class testing
testing = {}

---@alias slipway.Known { have?: table, prior?: table, triggered?: boolean, action?: "create" | "update" | "delete", out?: string, err?: string, status?: integer }

---The attributes as the engine compares them.
---@param type string
---@param name string
---@param attributes table
---@return table
function testing.attributes(type, name, attributes) end

---@param type string
---@param name string
---@param attributes? table nil: it only exists in the state
---@param known? slipway.Known
---@return string fragment
function testing.probe(type, name, attributes, known) end

---@param type string
---@param name string
---@param attributes? table
---@param known slipway.Known
---@return table? attributes
function testing.read(type, name, attributes, known) end

---@param type string
---@param name string
---@param attributes? table
---@param known? slipway.Known
---@return { script: string, uploads: table[], timeout: number?, reconnect: boolean }
function testing.apply(type, name, attributes, known) end

---@param type string
---@param name string
---@param attributes? table
---@param known slipway.Known
---@return table attributes
function testing.result(type, name, attributes, known) end

---Runs text with a playbook's rights.
---@param text string
---@return any ...
function testing.user(text) end

---What the library's files see, and what playbooks see.
---@return table<string, any> library
---@return table<string, any> user
function testing.words() end
