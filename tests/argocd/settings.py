"""What people put into Argo CD's ConfigMap argocd-cm."""

from __future__ import annotations

from typing import Final

from sandbox.installation import ROOT

CUSTOMIZATION: Final = ROOT / "resource_customizations" / "apono.io" / "AponoConnector"
HEALTH: Final = (CUSTOMIZATION / "health.lua").read_text(encoding="utf-8")
KEY: Final = "resource.customizations.health.apono.io_AponoConnector"

# Argo CD documentation, "Resource Health", on Applications of Applications: without it, waves do not wait for them.
OF_APPLICATIONS: Final = """\
local hs = { status = "Progressing", message = "" }
if obj.status ~= nil and obj.status.health ~= nil then
  hs.status = obj.status.health.status
  hs.message = obj.status.health.message or ""
end
return hs
"""

SETTINGS: Final = {KEY: HEALTH, "resource.customizations.health.argoproj.io_Application": OF_APPLICATIONS}
