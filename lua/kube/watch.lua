--- Waiting for objects. All who wait for objects of one kind in one namespace share one watch: whoever comes first reads it for all, and hands it on when
--- he is done. Objects that nobody waits for are not kept.
--- Events: newline-separated { type = ADDED | MODIFIED | DELETED | BOOKMARK | ERROR, object = ... }.
local request = require "kube/request"

local watch = {}

local WATCH_SECONDS = 120 -- the server ends a watch then, and it is taken up where it was
local SLACK = 20 -- a watch that does not end by itself is broken
local POLL = 2 -- seconds, where watching is not allowed
local PAUSE = 1 -- after a watch that failed

--- The watch begins before an object is read for the first time, so it may tell of states before that one.
local function is_older(object, known)
  local one, other = tonumber(object.metadata.resourceVersion), tonumber(known.metadata.resourceVersion)
  return one ~= nil and other ~= nil and one <= other
end

--- @param place table { api_version, kind, path, resource, group, namespace }
local function new(ctx, place, get)
  local self = {
    users = 0,
    version = nil, -- the resourceVersion up to which we know
    stream = nil,
    reading = false,
    epoch = 0, -- counts how often we lost the thread: what is known of objects is from before
    changed = ctx.io.event(),
    wanted = {}, -- name -> how many wait for it
    objects = {}, -- name -> { object or false, epoch }
    poll = false,
  }

  local function wake()
    self.changed:set()
    self.changed = ctx.io.event()
  end

  local function call(query, accept)
    return { path = place.path, query = query, accept = accept, verb = "watch", resource = place.resource, group = place.group, namespace = place.namespace,
      timeout = WATCH_SECONDS + SLACK }
  end

  local function lose()
    if self.stream then self.stream:close() end
    self.stream, self.version = nil, nil
    self.epoch = self.epoch + 1
  end

  --- Where to start: the version of a list of almost nothing.
  local function begin()
    local first = call({ limit = 1 }, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")
    first.verb, first.timeout = "list", nil
    local response, err = request.send(ctx, first)
    if response then
      self.version = json.decode(response.body).metadata.resourceVersion
    elseif err.class == "forbidden" then
      self.poll = true
    else
      ctx.raise(err)
    end
  end

  local function note(event)
    local object = event.object
    local metadata = type(object) == "table" and object.metadata or {}
    if event.type == "ERROR" then
      lose()
      if object.code ~= 410 then ctx.io.sleep(PAUSE * ctx.io.random()) end
      return
    end
    self.version = metadata.resourceVersion or self.version
    if event.type == "BOOKMARK" or not self.wanted[metadata.name] then return end
    local known = self.objects[metadata.name]
    if known and known.epoch == self.epoch and known.object and is_older(event.object, known.object) then return end
    self.objects[metadata.name] = { object = event.type ~= "DELETED" and object, epoch = self.epoch }
  end

  --- The stream ended: at its time, or for a reason.
  local function ended(seconds)
    local result = self.stream:result()
    self.stream = nil
    if result and result.status == 200 and not result.error then
      -- Something between us and the server may end watches at once.
      if ctx.io.now() - self.opened < PAUSE then ctx.io.sleep(math.min(PAUSE, seconds)) end
      return
    end
    if result and result.error == "cancelled" then core.fail_as("cancelled", "stopped") end
    if result and result.status == 403 then
      self.poll = true
    elseif result and (result.status == 410 or result.status == 404) then
      lose()
    else -- the server restarts, the connection broke off
      if result and result.status == 401 then ctx.credentials.forget(ctx.credentials.get()) end
      ctx.io.sleep(math.min(PAUSE * (0.5 + ctx.io.random()), seconds))
    end
  end

  --- Reads one event, for `seconds` at most.
  local function read(seconds)
    if not self.version then begin() end
    if self.poll then return ctx.io.sleep(math.min(POLL, seconds)) end
    if not self.stream then
      self.opened = ctx.io.now()
      self.stream = request.stream(ctx, call { watch = 1, resourceVersion = self.version, allowWatchBookmarks = true, timeoutSeconds = WATCH_SECONDS })
    end
    local line = self.stream:line(seconds)
    if line == false then return nil end
    if line == nil then return ended(seconds) end
    local result = self.stream:result()
    if result.status ~= 200 then -- the line is the reason
      self.stream:close()
      return ended(seconds)
    end
    ctx.answered = true
    local fine, event = pcall(json.decode, line)
    if fine and type(event) == "table" then note(event) else lose() end
    return nil
  end

  --- Waits until something happened, for `seconds` at most (0: until another has begun).
  local function step(seconds)
    if self.reading then
      self.changed:wait(seconds > 0 and seconds or nil)
      return
    end
    self.reading = true
    local _ <close> = setmetatable({}, {
      __close = function()
        self.reading = false
        wake()
      end,
    })
    read(seconds)
  end

  --- The object of that name as last known, or nil. It is asked for after the watch has a beginning, so that no change falls between the two.
  local function look(name)
    while not self.version and not self.poll do step(0) end
    local known = self.objects[name]
    if known and known.epoch == self.epoch and not self.poll then return known.object or nil end
    local epoch = self.epoch
    local object = get(name)
    -- An event that came meanwhile stays: what comes after it makes up for what it may have missed.
    local since = self.objects[name]
    if self.poll or not since or since == known then
      self.objects[name] = { object = object or false, epoch = epoch }
      return object
    end
    return since.object or nil
  end

  function self.join(name)
    self.users = self.users + 1
    self.wanted[name] = (self.wanted[name] or 0) + 1
    return setmetatable({}, {
      __close = function()
        self.users = self.users - 1
        self.wanted[name] = self.wanted[name] > 1 and self.wanted[name] - 1 or nil
        if not self.wanted[name] then self.objects[name] = nil end
        if self.users == 0 then lose() end
      end,
    })
  end

  self.look, self.step = look, step
  return self
end

--- @return fun(place: table, get: fun(name: string): table|nil): table the watch for a place, made when it is first needed
function watch.shared(ctx)
  local watches = {}
  return function(place, get)
    local key = place.path
    if not watches[key] or watches[key].users == 0 then watches[key] = new(ctx, place, get) end
    return watches[key]
  end
end

--- Waits until check(object or nil) gives something, and gives that.
--- @param spec table { within, what, line, check }
function watch.wait(ctx, shared, name, spec)
  local deadline = ctx.io.now() + spec.within
  local _ <close> = shared.join(name)
  local told
  while true do
    local value, words = spec.check(shared.look(name))
    if value then return value, words end
    if words and words ~= told then
      told = words
      if spec.line then spec.line(words) end
    end
    local left = deadline - ctx.io.now()
    if left <= 0 then
      return fail(("%s: not done within %.0f s: %s"):format(spec.what, spec.within, told or "no state is known"), spec.hint)
    end
    shared.step(left)
  end
end

return watch
