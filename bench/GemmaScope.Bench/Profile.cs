using System.Diagnostics;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>One kind of step of a forward pass.</summary>
/// <param name="Step">What is done.</param>
/// <param name="Seconds">Time of all layers.</param>
/// <param name="Share">Part of the whole run.</param>
/// <param name="GigaFlops">Rate of the step's product; null if it is none.</param>
public sealed record ProfileLine(string Step, double Seconds, double Share, double? GigaFlops);

/// <summary>Where the time of a prefill or of a decoded token goes.</summary>
/// <param name="Run">Which run.</param>
/// <param name="Seconds">Time of the run with the clocks in it.</param>
/// <param name="Undisturbed">Time without them.</param>
/// <param name="Lines">Kinds of steps in the order of computation.</param>
public sealed record Profile(string Run, double Seconds, double Undisturbed, IReadOnlyList<ProfileLine> Lines)
{
    private const int ContextTokens = 16;

    /// <summary>Profiles one prefill and one decoded token of the main model, in both arithmetics.</summary>
    /// <param name="options">Rounds, quick or not, and folder.</param>
    /// <param name="progress">Told what is being measured.</param>
    /// <param name="cancellationToken">Stops between runs.</param>
    public static IEnumerable<Profile> Measure(
        BenchOptions options,
        IProgress<string> progress,
        CancellationToken cancellationToken = default
    )
    {
        var setup = new BenchSetup(options, progress, cancellationToken);
        using var model = setup.Load(setup.MainModel);
        foreach (var arithmetic in new[] { Arithmetic.Exact, Arithmetic.Fast })
        {
            var mode = arithmetic == Arithmetic.Exact ? "exact" : "fast";
            yield return Of(
                setup,
                model,
                $"prefill of {setup.PrefillTokens} tokens, {mode}",
                arithmetic,
                context: 0,
                setup.PrefillTokens,
                times: setup.Options.Rounds
            );
            yield return Of(setup, model, $"decode of one token, {mode}", arithmetic, ContextTokens, 1, times: 4 * setup.Options.Rounds);
        }
    }

    private static Profile Of(BenchSetup setup, GemmaModel model, string name, Arithmetic arithmetic, int context, int rows, int times)
    {
        var tokens = BenchSetup.Tokens(model.Config, context + rows);
        using var cache = model.NewCache();
        var clock = new SiteClock(model.Config);
        var edits = clock.Edits.ToArray();
        double with = 0,
            without = 0;
        Time([]);
        for (var i = 0; i < times; i++)
        {
            setup.Cancellation.ThrowIfCancellationRequested();
            without += Time([]);
            with += Time(edits);
        }
        var lines = clock
            .Seconds()
            .Select(step => new ProfileLine(
                Describe(step.Kind),
                step.Seconds / times,
                step.Seconds / with,
                Work(model.Config, step.Kind, rows) is { } work ? work * times / step.Seconds / 1e9 : null
            ));
        return new(name, with / times, without / times, [.. lines]);

        double Time(Edit[] listening)
        {
            cache.Clear();
            if (context > 0)
                model.Run(tokens[..context], cache: cache, logits: LogitRows.None, arithmetic: arithmetic).Dispose();
            var start = Stopwatch.GetTimestamp();
            clock.Start();
            model.Run(tokens[context..], edits: listening, cache: cache, logits: LogitRows.Last, arithmetic: arithmetic).Dispose();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    /// <summary>Operations of the product that ends at a kind of site, all layers together.</summary>
    private static double? Work(GemmaConfig config, SiteKind kind, int rows)
    {
        var d = config.Width;
        return kind switch
        {
            SiteKind.Q or SiteKind.AttnOutRaw => Each(shape => config.Heads * shape.HeadSize),
            SiteKind.K => Each(shape => shape.KeyValueSource is null ? shape.KeyValueWidth : 0),
            SiteKind.V => Each(shape => shape is { KeyValueSource: null, ValuesAreKeys: false } ? shape.KeyValueWidth : 0),
            SiteKind.MlpGatePre or SiteKind.MlpUp or SiteKind.MlpOutRaw => Each(shape => shape.MlpWidth),
            SiteKind.LogitsRaw => WorkCount.Product(1, d, config.VocabularyRows),
            _ => null,
        };

        double Each(Func<LayerShape, int> outputs) => config.Shapes.Sum(shape => WorkCount.Product(rows, d, outputs(shape)));
    }

    private static string Describe(SiteKind kind) =>
        kind switch
        {
            SiteKind.Embed => "embedding",
            SiteKind.ResidPre => "between layers",
            SiteKind.AttnIn => "norm before attention",
            SiteKind.Q => "q_proj",
            SiteKind.K => "k_proj",
            SiteKind.V => "v_proj",
            SiteKind.QNormed => "q_norm",
            SiteKind.KNormed => "k_norm",
            SiteKind.QRope => "RoPE of q",
            SiteKind.KRope => "RoPE of k",
            SiteKind.Z => "attention",
            SiteKind.AttnOutRaw => "o_proj",
            SiteKind.AttnOut => "norm after attention",
            SiteKind.ResidMid => "sum after attention",
            SiteKind.MlpIn => "norm before MLP",
            SiteKind.MlpGatePre => "gate_proj",
            SiteKind.MlpUp => "up_proj",
            SiteKind.MlpActProduct => "GELU",
            SiteKind.MlpOutRaw => "down_proj",
            SiteKind.MlpOut => "norm after MLP",
            SiteKind.ResidPost => "sum after MLP",
            SiteKind.FinalNormOut => "final norm",
            SiteKind.LogitsRaw => "unembedding",
            SiteKind.Logits => "cap of logits",
            _ => kind.ToString(),
        };
}
