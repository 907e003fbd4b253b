"""What needs whole tables at once, settled by set-based SQL in the local database (schema `x`)."""
