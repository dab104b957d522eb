-- Asks gatelodge about a request. Runs in HAProxy 2.6 or newer, built with Lua, and needs nothing else:
--
--   global
--     setenv GATELODGE 127.0.0.1:9190
--     lua-load-per-thread /etc/haproxy/gatelodge/gatelodge.lua
--
-- GATELODGE is where gatelodge listens: an address with port, or unix@/run/gatelodge/decisions.sock.
-- Then, in a frontend, behind the lines that minimal.cfg has before it:
--
--   http-request lua.gatelodge
--   http-request deny deny_status 503 unless { var(txn.gatelodge) -m str allowed }

local ADDRESS = assert(os.getenv("GATELODGE"), "setenv GATELODGE goes before lua-load-per-thread")
-- An address and no name: a name would be looked up again for each request.
local SOCKET = ADDRESS:match("^unix@.+")
local URL = "http://" .. (SOCKET and "127.0.0.1" or ADDRESS) .. "/validate/haproxy"
-- How long a request waits for one answer, in milliseconds. Without any answer HAProxy asks up to three times more.
local TIMEOUT = 1250

-- Who it is, from gatelodge's answer. With other `identity_headers:` in gatelodge.yaml write their names here.
local IDENTITY = {
  "x-auth-user", "x-auth-subject", "x-auth-name", "x-auth-email", "x-auth-roles", "x-auth-groups", "x-auth-method",
  -- The same, signed, where `identity_jwt` is on.
  "x-auth-token",
}
-- What of a refusal is meant for the client.
local FOR_CLIENT = {
  "location", "set-cookie", "www-authenticate", "retry-after", "x-auth-reason", "cache-control",
  "ratelimit", "ratelimit-policy", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset",
  -- Of the page that a person sees.
  "content-type", "content-security-policy", "x-content-type-options",
}
-- The check has no body and is a connection of its own, whatever the request is (RFC 9110 section 7.6.1).
local NOT_ASKED = {
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
  "content-length", "host", "x-original-url", "x-original-uri", "x-original-method",
}

-- The answer, or nil where there was none. Everything that can fail is in here.
local function ask(txn)
  local headers = txn.http:req_get_headers()
  for _, name in ipairs(NOT_ASKED) do headers[name] = nil end
  headers["x-forwarded-method"] = { txn.f:method() }
  headers["x-forwarded-uri"] = { txn.f:pathq() }
  return core.httpclient():get({ url = URL, dst = SOCKET, headers = headers, timeout = TIMEOUT })
end

core.register_action("gatelodge", { "http-req" }, function(txn)
  txn:set_var("txn.gatelodge", "refused")
  for _, name in ipairs(IDENTITY) do txn.http:req_del_header(name) end

  local asked, answer = pcall(ask, txn)
  local headers = asked and answer and answer.headers or {}
  -- gatelodge says all of them, always, empty where it knows nothing; x-auth-token where it signs.
  if headers[IDENTITY[1]] and answer.status == 200 then
    for _, name in ipairs(IDENTITY) do
      local value = headers[name] and headers[name][0]
      if value and value ~= "" then txn.http:req_set_header(name, value) end
    end
    txn:set_var("txn.gatelodge", "allowed")
    return
  end

  -- gatelodge gives its reason with each refusal. Whatever has none is no answer of its.
  local meant = headers["x-auth-reason"] and answer.status >= 300
  local reply = txn:reply({ status = meant and answer.status or 503, body = meant and answer.body or "" })
  for _, name in ipairs(meant and FOR_CLIENT or {}) do
    -- The lists begin at 0.
    local at, values = 0, headers[name] or {}
    while values[at] do
      reply:add_header(name, values[at])
      at = at + 1
    end
  end
  txn:done(reply)
end, 0)
