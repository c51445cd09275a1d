"""Restoring: after a reload the same browser tab finds its pictures, regions and conversations again.

Only the tab remembers the key of its workspace. A copy of what is open there is taken, so that a duplicated tab and its
original do not share one workspace. Decides nothing about what is shown.
"""

from __future__ import annotations

from demo.session.services import Services
from demo.session.workspace import Workspace


def restore_workspace(services: Services, workspace: Workspace, key: str) -> bool:
    """Copy what is open in the workspace with this key into a new one, and keep it; False if there is nothing."""
    old = services.workspaces.find(key)
    if old is None or not old.sheets or workspace.sheets:
        return False
    workspace.copy_from(old)
    services.workspaces.keep(workspace)
    return True
