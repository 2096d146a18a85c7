"""The tables and their columns: each column is declared once, with type, unit and meaning."""
