"""Makes training records in the layout of Osprey-724K from annotated pictures."""
