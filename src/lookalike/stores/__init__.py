"""Where rows are kept and the nearest are found. Every store honors every verb of `base.Store`."""
