using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Circuits;

/// <summary>The model in memory with those of its dictionaries that are one set of transcoders. What it reads of a prompt is kept until
/// another one is asked about, for a person tries many things on one. Belongs to the thread of the queue, but for the names.</summary>
/// <param name="served">The model.</param>
internal sealed class CircuitModel(ServerModel served) : IDisposable
{
    private readonly IReadOnlyList<SparseDictionary> _dictionaries = TranscoderChoice.Family(served.Dictionaries);

    // Never disposed: its dictionaries are the server's.
    private TranscoderSet? _set;
    private CircuitPrompt? _last;

    /// <summary>The model.</summary>
    public ServerModel Served => served;

    /// <summary>Whether there are transcoders.</summary>
    public bool HasTranscoders => _dictionaries.Count > 0;

    /// <summary>Where the transcoders lie.</summary>
    public IReadOnlyList<string> Paths => [.. _dictionaries.Select(one => one.Origin.Path)];

    /// <summary>What they are called, as graphs name those that they were made with.</summary>
    public IReadOnlyList<string> Names => [.. _dictionaries.Select(one => one.Name)];

    /// <summary>A prompt, read anew where it is another one than the last. On the queue's thread.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">It is too short or too long, or a file was cut short.</exception>
    public CircuitPrompt Prompt(int[] tokens, CancellationToken cancellationToken)
    {
        if (_last is { } known && known.Tokens.AsSpan().SequenceEqual(tokens))
            return known;
        _last?.Dispose();
        _last = null;
        _set ??= TranscoderSet.Of(_dictionaries, served.Model.Config);
        return _last = new(tokens, ReplacementModel.Of(served.Model, _set, tokens, cancellationToken: cancellationToken));
    }

    /// <inheritdoc/>
    public void Dispose() => _last?.Dispose();
}

/// <summary>What was read of a prompt, and what is tried on it again and again.</summary>
/// <param name="tokens">Its tokens.</param>
/// <param name="model">Its replacement model.</param>
internal sealed class CircuitPrompt(int[] tokens, ReplacementModel model) : IDisposable
{
    private (string Targets, EffectMeter Meter)? _meter;

    /// <summary>The tokens.</summary>
    public int[] Tokens => tokens;

    /// <summary>The replacement model.</summary>
    public ReplacementModel Model => model;

    /// <summary>Texts that were written without a change, by how they were.</summary>
    public Dictionary<(int MaxTokens, double Temperature, int Seed), string> Written { get; } = [];

    /// <summary>Measures changes on some tokens.</summary>
    /// <param name="targets">The tokens, and of each the one whose logit is subtracted; none for the most likely.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public EffectMeter Meter(IReadOnlyList<(int Token, int? Over)> targets, CancellationToken cancellationToken)
    {
        const int likely = 5;
        var key = string.Join(' ', targets);
        if (_meter is { } known && known.Targets == key)
            return known.Meter;
        var meter = EffectMeter.Of(
            model,
            targets.Count == 0
                ? CircuitTarget.TopLogits(model, likely)
                :
                [
                    .. targets.Select(one =>
                        one.Over is { } over ? CircuitTarget.Difference(one.Token, over) : CircuitTarget.Logit(one.Token)
                    ),
                ],
            cancellationToken
        );
        _meter = (key, meter);
        return meter;
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();
}
