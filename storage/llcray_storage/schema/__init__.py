"""The tables and views, their columns (each declared once, with type, unit and meaning) and the verdicts."""
