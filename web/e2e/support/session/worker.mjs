// Opens one of the two modules and passes commands to its session, one at a time.

let session;

self.onmessage = async ({ data: { open, command } }) => {
  try {
    if (open) {
      const module = await import(open);
      await module.default();
      session = await module.Session.open();
      self.postMessage({ ok: session.device() });
    } else {
      self.postMessage({ ok: await session.handle(command) });
    }
  } catch (error) {
    self.postMessage({ error: String(error?.message ?? error) });
  }
};
