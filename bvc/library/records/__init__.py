"""Random access to records on disk: what several sources read with."""
