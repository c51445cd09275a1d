"""Restore a browser tab's pictures, regions and conversations after a reload.

Only the tab stores the key of its workspace. The contents are copied, so that a duplicated tab and its original do not
share one workspace.
"""

from __future__ import annotations

from demo.session.services import Services
from demo.session.workspace import Workspace


def restore_workspace(services: Services, workspace: Workspace, key: str) -> bool:
    """Copy what is open in the workspace with this key into `workspace` and store it; False if there is nothing."""
    old = services.workspaces.find(key)
    if old is None or not old.sheets or workspace.sheets:
        return False
    workspace.copy_from(old)
    services.workspaces.keep(workspace)
    return True
