---@meta
-- The primitives of the host (src/script), for lua/slipway/*.lua only. Nothing else should need them.

---@class core
core = {}

---One text of its parts: a string, a secret, a text with references, or unknown.
---@param parts any[]
---@return slipway.Text
function core.join(parts) end

---A read-only view of a table; other values as they are.
---@generic T
---@param value T
---@return T
function core.freeze(value) end

---A word for every file.
---@param name string
---@param value any
function core.export(name, value) end

---Compiles text, with a playbook's rights.
---@param text string
---@param name string for messages
---@return function
function core.compile(text, name) end

---An error of the user's input, at the playbook's line.
---@param message string
---@param hint? string
function core.fail(message, hint) end

---An error of that code. "timeout" and "unreachable": nobody knows what became of a call, so its intent stays open.
---@param code "invalid" | "not_found" | "exists" | "conflict" | "auth" | "unreachable" | "timeout" | "remote" | "limit" | "refused"
---@param message string
---@param hint? string
function core.fail_as(code, message, hint) end

---pcall whose error knows where it was raised: raising it again loses nothing.
---@param fn function
---@param ... any
---@return boolean ok
---@return any ... what it gave, or the error
function core.attempt(fn, ...) end

---The error of what must wait for apply.
---@param message string
---@param hint? string
function core.refuse(message, hint) end

---@param file string
---@param line integer
---@param message string
---@param hint? string
function core.fail_at(file, line, message, hint) end

---Where the value below those keys stands, or as much of the way as there is; nothing without an inventory.
---@param ... string
---@return string? file
---@return integer? line
function core.inventory_place(...) end

---"there is no WHAT 'WORD'", with the nearest of the words as a hint.
---@param what string
---@param word string
---@param words string[]
function core.unknown(what, word, words) end

---What a template sees: its values, then what a playbook sees.
---@param vars table
---@return table
function core.template_env(vars) end

---Names to require for all types of the library.
---@return string[]
function core.type_files() end

---In hex: the name of a file that another program chose that way.
---@param text string
---@return string
function core.sha1(text) end

---For a URL or a form: everything but unreserved characters as %XX. Of a secret a secret.
---@param text slipway.Text
---@return slipway.Text
function core.uri_escape(text) end

---What a secret is, for the library to take apart. What is secret in it is marked again.
---@param text slipway.Text
---@return string
function core.reveal(text) end

---The path `slipway.file` read a text from.
---@param text string
---@return string?
function core.file_name(text) end

---The names in a directory beside the playbook (or /x, ~/x), in order, hidden ones left out; nil when it is no directory.
---@param name string
---@return string[]?
function core.files(name) end

---The bcrypt hash of a password, a secret. The same for the same password and seed.
---@param password slipway.Text
---@param seed string
---@return slipway.Text
function core.bcrypt(password, seed) end

---The bytes of a file from elsewhere. When it is not at hand the evaluation ends with an error, the file is fetched, and it begins anew.
---@param url string https://HOST/PATH
---@param sha256? string 64 hexadecimal digits; without it, slipway.lock pins what came first
---@return string
function core.download(url, sha256) end

---The objects of a Helm chart, which helm renders before the playbook is evaluated anew.
---@param options { chart?: string, url?: string, sha256?: string, release: string, namespace: string, values: table, values_files: string[], kube_version?: string, api_versions: string[], include_crds: boolean }
---@return { pieces: { source: string, objects: table[] }[], changing: string[] } # `changing`: what is another at each rendering
function core.helm(options) end


---@param text string
---@param vars? table
---@return slipway.Text
function core.sh(text, vars) end

---@param value any
---@return slipway.Text
function core.sh_quote(value) end

---@param code string
function core.sh_prelude(code) end

---@param name string
---@param spec slipway.Spec
function core.define(name, spec) end

---@param name string
---@return { on_host: boolean, spec: slipway.Spec }?
function core.type_info(name) end

---The types known so far.
---@return string[]
function core.type_names() end

---@param name string
---@param connection table
function core.host(name, connection) end

---@param type string
---@param host string?
---@param name string
---@param attributes table
---@return slipway.Resource
function core.declare(type, host, name, attributes) end

---Something was begun that needs its table: `core.done` must follow before the playbook ends.
---@param what string
---@return integer
function core.begin(what) end

---@param number integer
function core.done(number) end

---@param name string
---@param value any
---@param doc? string
function core.output(name, value, doc) end

---@param from string
---@param to string
function core.moved(from, to) end

---@param address string
function core.removed(address) end

---@param alias string
---@param config table
function core.provider(alias, config) end

---Sets the function that runs one call of an API type's function.
---@param driver function
function core.set_driver(driver) end

---Sets the function that gives a provider's configuration as it is kept in plans.
---@param keeper fun(config: table): table
function core.set_keeper(keeper) end

---Runs n coroutines of one function and waits until all have ended: what io.all is made of.
---@async
---@param fn async fun()
---@param n integer
function core.fork(fn, n) end

---Whose file is being loaded.
---@return "library" | "playbooks" | "user" | nil
function core.loading_origin() end

---The door to the outside, for providers' clients.
---@type slipway.Io
core.io = nil

---Whether nothing is applied in this run: types may then try out, without effect, what a plan cannot tell else.
---@type boolean
core.only_plans = nil

---Loads every type of the library.
function core.load_all() end

---Deep equality, also of secrets and what holds them.
---@param a any
---@param b any
---@return boolean
function core.same(a, b) end
