"""The passes: one file each, with one public function from noun to noun."""
