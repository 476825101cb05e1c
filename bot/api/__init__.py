"""REST for staff and other systems, one router a resource."""
