"""What tests share: clocks, sandboxes, lakes made by hand, and ways to run voxlake as its users do."""
