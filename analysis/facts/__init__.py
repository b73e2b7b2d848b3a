"""What a call shows of its arguments: shapes, values, overlap, the contents of index arrays."""
