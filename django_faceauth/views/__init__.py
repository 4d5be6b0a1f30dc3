"""The pages of the flow, and those by which users contest, report and withdraw."""
