"""What needs whole tables at once, computed by set-based SQL in the local database (schema `x`)."""
