---@meta
-- What every Lua file of slipway sees, beside Lua's own assert, error, ipairs, next, pairs, pcall, print, select, setmetatable, getmetatable,
-- tonumber, tostring, type, xpcall, string, table, math and utf8. `print` makes a warning; `pairs` and `next` go in the order of the keys.
-- Context says where a function may be called: anywhere, or in a playbook (and what it calls) only.

---A value that is known after apply: it can be passed on and joined by `..`, not compared or computed with.
---@class slipway.Reference
---@operator concat(any): slipway.Reference

---A value that is never shown. Joined by `..` or in a template it makes a secret; `#` gives the length of its text.
---@class slipway.Secret
---@operator concat(any): slipway.Secret

---@alias slipway.Text string | slipway.Secret | slipway.Reference

---A declared resource. Its attributes are references: `vm.address`, `vm.network[1].ip`.
---@class slipway.Resource
---@field [string] slipway.Reference

---What a declaration may hold beside the type's own attributes.
---@class slipway.Common
---@field depends_on? (slipway.Resource | slipway.Reference | string)[]
---@field restart_on? (slipway.Resource | slipway.Reference | string)[] act again when one of these changes
---@field lifecycle? slipway.Lifecycle
---@field provider? string an alias made by `provider`; types in an API only
---@field precondition? { [1]: boolean, [2]: string } | { [1]: boolean, [2]: string }[]
---@field state? "present" | "absent" types on a host that can be removed

---@class slipway.Lifecycle
---@field prevent_destroy? boolean
---@field create_before_destroy? boolean
---@field ignore_changes? string[]
---@field replace_on? (slipway.Resource | string)[]

---A machine. `h:file "/etc/x" { ... }` declares, for every resource type on a host; `h:sysctl { ... }` declares several.
---@class slipway.Host
---@field name string
---@field node? slipway.Node the inventory's entry
---@field [string] fun(self: slipway.Host, name: string): fun(attributes: table | slipway.Common): slipway.Resource

---@class slipway.Node
---@field name string
---@field role? string
---@field pool? string
---@field index? integer
---@field connection? table
---@field [string] any

---Marks every text, number and reference in a value as sensitive. Context: anywhere.
---@generic T
---@param value T
---@return slipway.Secret | T
---@nodiscard
function secret(value) end

---Ends with an error: of the remote side, in a resource type; there is no traceback. Context: anywhere.
---@param message string
---@param hint? string what to try next
function fail(message, hint) end

---Ends a change with an error that says nobody knows whether it took effect: the answer was lost. Its intent stays open, and the next
---run looks. Context: resource types in an API.
---@param message string
---@param hint? string what to try next
function fail_unknown(message, hint) end

---A module: beside the playbook, in playbooks/, in the library. `require "host.lib.stat"` is `require "host/lib/stat"`. Context: anywhere.
---@param name string small letters, digits, `_ - . /`
---@return any
function require(name) end

---Declares a machine, by its entry of `slipway.inventory.nodes` or by name. What the inventory says of the connection need not be said again.
---Context: playbook.
---@param node string | slipway.Node
---@return fun(connection: { address?: slipway.Text, port?: integer, user?: string, key?: slipway.Text, host_key?: slipway.Text, become?: string, [string]: any }): slipway.Host
function host(node) end

---Declares an output: `output "address" { value = vm.address, doc = "where it listens" }`. Context: playbook.
---@param name string
---@return fun(output: { value: any, doc?: string })
function output(name) end

---Declares a provider's configuration under an alias, for `provider = "alias"` in resources. Context: playbook.
---@param alias string
---@return fun(config: { name: string, [string]: any })
function provider(alias) end

---A resource has a new address. Context: playbook.
---@param move { from: string, to: string }
function moved(move) end

---Resources to forget rather than destroy. Context: playbook.
---@param addresses string[]
function removed(addresses) end

---SHA-256 as 64 hexadecimal digits; of a secret, a secret. Context: anywhere.
---@param text slipway.Text
---@return slipway.Text
---@nodiscard
function sha256(text) end

---@class xml
xml = {}

---The content of the root element, and its name. Children named in `lists` (or that come more than once) are lists; attributes are dropped.
---@param text slipway.Text
---@param lists? string[] default { "item", "member" }
---@return any content
---@return string name
---@nodiscard
function xml.decode(text, lists) end

---@class json
json = {}

---Canonical JSON. `{}` is a map unless it came from JSON or YAML or was marked by `slipway.list`. With a secret inside, the text is one.
---@param value any
---@param options? { pretty?: boolean }
---@return slipway.Text
---@nodiscard
function json.encode(value, options) end

---null in a list is `slipway.null`, in a map it is absent.
---@param text slipway.Text
---@return any
---@nodiscard
function json.decode(text) end

---@class yaml
yaml = {}

---@param value any
---@return slipway.Text
---@nodiscard
function yaml.encode(value) end

---@param text slipway.Text one document
---@return any
---@nodiscard
function yaml.decode(text) end

---@param text slipway.Text a stream
---@return any[] documents without the empty ones
---@nodiscard
---@param nulls? boolean nulls in maps are slipway.null; else they are left out
function yaml.decode_all(text, nulls) end

---@class base64
base64 = {}

---@param bytes slipway.Text
---@return slipway.Text
---@nodiscard
function base64.encode(bytes) end

---White space is skipped; anything else that is not base64 is an error.
---@param text slipway.Text
---@return slipway.Text
---@nodiscard
function base64.decode(text) end

---@class slipway
slipway = {}

---The checked inventory of the playbook, read-only; `nodes` is the list of machines.
---@type { name: string, nodes: slipway.Node[], [string]: any }
slipway.inventory = nil

---Stands for what is not known yet. `probe` may give it: then the resource is read at apply.
slipway.unknown = nil

---null within a list.
slipway.null = nil

---True for a stranger's pull request: what the playbook itself would run on a node is not run at plan time.
---@type boolean
slipway.untrusted = nil

---@type string
slipway.version = nil

---Renders a template: `{{ expression }}` and `{% statement %}`. References in it make the text known after apply, secrets make it a secret.
---@param text string
---@param vars? table its locals
---@param name? string the file, for messages; known already for what `slipway.file` gave
---@return slipway.Text
---@nodiscard
function slipway.template(text, vars, name) end

---The text of a file beside the inventory, in its templates/, in playbooks/ or playbooks/templates/; or of /any/file, for the owner's playbooks.
---@param name string
---@return string text
---@return string path for messages
---@nodiscard
function slipway.file(name) end

---A local file of any size, as `source` attributes name it. A hash that is given is taken, and checked on the node.
---@param name string
---@param sha256? string
---@return { path: string, sha256: string }
---@nodiscard
function slipway.file_info(name, sha256) end

---The text of a file of the library: "lab/node.sh".
---@param path string
---@return string
---@nodiscard
function slipway.asset(path) end

---Ends with an error at the playbook's line.
---@param message string
---@param hint? string
function slipway.fail(message, hint) end

---@param message slipway.Text
function slipway.warn(message) end

---The index-th address of a network (from the end when negative), or its index-th subnet of the given length.
---`cidr("10.0.0.0/16", 5)` is "10.0.0.5", `cidr("10.0.0.0/16", 3, 24)` is "10.0.3.0/24".
---@param net string
---@param index integer
---@param length? integer
---@return string
---@nodiscard
function slipway.cidr(net, index, length) end

---`pairs`, by a name that says the order matters.
---@generic K, V
---@param t table<K, V>
---@return fun(): K, V
function slipway.sorted(t) end

---Marks a table as a list, so that it is one when empty. Returns it.
---@generic T: table
---@param t T
---@return T
function slipway.list(t) end

---Nothing in it waits for another resource.
---@param value any
---@return boolean
---@nodiscard
function slipway.is_known(value) end

---@param value any
---@return boolean
---@nodiscard
function slipway.is_secret(value) end

---`a == b`, but an error where it cannot be told: one of them is a reference, a secret or not known yet. Lua's own `==` says false of a
---reference beside a text, without asking.
---@param a any
---@param b any
---@return boolean
---@nodiscard
function slipway.equal(a, b) end
