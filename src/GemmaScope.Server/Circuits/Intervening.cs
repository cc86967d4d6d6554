using System.Runtime.CompilerServices;
using GemmaScope.Circuits;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;

namespace GemmaScope.Server.Circuits;

/// <summary>Turns features of a prompt off, up or down and tells what comes of it: the prediction at once, then the text with and without the
/// change. The queue gets a turn every few tokens.</summary>
/// <param name="circuits">The model.</param>
/// <param name="queue">Its queue.</param>
internal sealed class Intervening(CircuitModel circuits, ModelQueue queue)
{
    /// <summary>The kinds of what is answered.</summary>
    public const string Effect = "effect",
        Default = "default",
        Changed = "changed";

    private const int LikelyTokens = 8;

    /// <summary>What the change does, and both texts as they come. They are written with nothing frozen: what is to be frozen of tokens that
    /// are not yet there is not defined.</summary>
    /// <param name="request">What is changed.</param>
    /// <param name="source">Who asks.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">The request is out of range, or a feature does not exist.</exception>
    public async IAsyncEnumerable<IntervenePiece> RunAsync(
        InterveneRequest request,
        string source,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var model = circuits.Served.Model;
        var changes = request.Check(model.Config.RealVocabulary);
        var tokens = PromptRequest.Tokens(circuits.Served, request.Text, request.Tokens);
        yield return await queue.RunAsync(source, Measure, cancellationToken).ConfigureAwait(false);
        if (request.MaxTokens == 0)
            yield break;

        var options = new GenerationOptions
        {
            MaxNewTokens = request.MaxTokens,
            Temperature = request.Temperature,
            Seed = request.Seed,
        };
        var key = (request.MaxTokens, request.Temperature, request.Seed);
        var (known, edits) = await queue.RunAsync(source, Begin, cancellationToken).ConfigureAwait(false);
        using var clean = new ContinuationWriter(Default, model, tokens, options);
        using var changed = new ContinuationWriter(Changed, model, tokens, options with { Edits = edits });
        if (known is not null)
            yield return new(Default, known);
        ContinuationWriter[] writers = known is null ? [clean, changed] : [changed];
        var written = "";
        while (writers.Any(writer => !writer.IsDone))
            foreach (var writer in writers.Where(writer => !writer.IsDone))
                if (await queue.RunAsync(source, writer.Next, cancellationToken).ConfigureAwait(false) is { Length: > 0 } text)
                {
                    if (writer == clean)
                        written += text;
                    yield return new(writer.Kind, text);
                }
        if (known is null)
            await queue
                .RunAsync(source, turn => circuits.Prompt(tokens, turn).Written[key] = written, cancellationToken)
                .ConfigureAwait(false);

        IntervenePiece Measure(CancellationToken turn)
        {
            var found = circuits.Prompt(tokens, turn).Meter(request.Measured, turn).Measure(changes, request.Mode, LikelyTokens, turn);
            return new(
                Effect,
                Kl: found.Kl,
                Next: [.. found.Next.Select(one => new ShiftedToken(one.Token, model.Tokenizer.Piece(one.Token), one.Before, one.After))],
                Targets:
                [
                    .. found.Targets.Select(one => new ShiftedTarget(
                        one.Target.Token!.Value,
                        model.Tokenizer.Piece(one.Target.Token!.Value),
                        one.Target.Over,
                        one.Target.Over is { } over ? model.Tokenizer.Piece(over) : null,
                        one.Before,
                        one.After,
                        one.Predicted
                    )),
                ]
            );
        }

        (string? Known, IReadOnlyList<Edit> Edits) Begin(CancellationToken turn)
        {
            var prompt = circuits.Prompt(tokens, turn);
            return (
                prompt.Written.GetValueOrDefault(key),
                Intervention.Edits(prompt.Model.Transcoders, changes, model.Config, prompt.Model.ZeroPositions)
            );
        }
    }
}
