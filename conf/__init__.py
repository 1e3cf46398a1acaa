"""What is declared: tables, columns, currencies, settings. Standard library and YAML only."""
