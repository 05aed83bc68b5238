"""What every API of the project shares: errors, bodies, pages, ETags, rights by role, and its OpenAPI document."""
