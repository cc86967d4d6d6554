namespace GemmaScope.Tests.Server;

/// <summary>What a server logs, to be read while it goes on writing.</summary>
internal sealed class ServerLog : IDisposable
{
    private readonly StringWriter _text = new();

    public ServerLog() => Writer = TextWriter.Synchronized(_text);

    /// <summary>Where the server writes.</summary>
    public TextWriter Writer { get; }

    /// <summary>What it has written.</summary>
    public override string ToString()
    {
        // A synchronized writer locks itself for each of its writes.
        lock (Writer)
            return _text.ToString();
    }

    public void Dispose()
    {
        Writer.Dispose();
        _text.Dispose();
    }
}
