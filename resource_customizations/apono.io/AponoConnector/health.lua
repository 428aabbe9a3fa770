-- How an AponoConnector is, for Argo CD. The conditions' messages say what is the matter and what to do about it; what
-- each Reason means stands in the operator's docs/reference/reasons.md.

local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local function told(condition)
  return condition.reason .. ": " .. condition.message
end

local function health(status, message)
  return { status = status, message = message }
end

-- Argo CD 3.6 and newer show this message; older ones show "Pending deletion", whatever is the matter.
local function deletion(status, message)
  return { status = status, deletionMessage = message }
end

local risk = "Without the finalizer apono.io/connector-cleanup, what was made in AWS would stay there."

-- What is left so by a suspension that somebody asked for is no failure.
local by_suspension = { Suspended = true, RoleMissing = true, ObjectMissing = true }

-- What does not keep a connector from being Ready, and is worth knowing.
local function remarks()
  local text = ""
  for _, kind in ipairs({ "Unconfirmed", "Drifted", "Contested" }) do
    if conditions[kind] ~= nil then
      text = text .. " " .. told(conditions[kind])
    end
  end
  for _, kind in ipairs({ "IdentityCenterFound", "MemberAccountsReady" }) do
    local condition = conditions[kind]
    if condition ~= nil and condition.status ~= "True" and condition.reason ~= "Waiting" then
      text = text .. " " .. told(condition)
    end
  end
  return text
end

local ready = conditions.Ready

if obj.metadata.deletionTimestamp ~= nil then
  if conditions.DeletionBlocked ~= nil then
    return deletion("Degraded", told(conditions.DeletionBlocked) .. " " .. risk)
  end
  if ready ~= nil and ready.reason == "Deleting" then
    return deletion("Progressing", told(ready))
  end
  return deletion("Progressing", "Deleting: the operator has not begun yet. If this lasts, see whether it runs. " .. risk)
end

if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "The operator has not looked at this manifest yet. If this lasts, see whether it runs.")
end

local stalled, suspended = conditions.Stalled, conditions.Suspended
if stalled ~= nil and not (suspended ~= nil and by_suspension[stalled.reason]) then
  return health("Degraded", told(stalled))
end
if conditions.Reconciling ~= nil then
  return health("Progressing", told(conditions.Reconciling))
end
if suspended ~= nil then
  return health("Suspended", told(suspended) .. remarks())
end
if ready.status == "True" then
  return health("Healthy", ready.message .. remarks())
end
return health("Progressing", told(ready))
