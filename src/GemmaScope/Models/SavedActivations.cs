using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// What the backward pass needs of a run, captured by that run like any other activations:
/// inputs of every step that is not linear. With frozen denominators one number a row of each norm is enough.
/// </summary>
internal sealed class SavedActivations : IDisposable
{
    private readonly Dictionary<Site, float[]> _scales = [];
    private readonly int _tokens;

    public SavedActivations(
        GemmaModel model,
        int[] tokens,
        GradientMode mode,
        IEnumerable<Site> capture,
        Site from,
        Site to,
        IEnumerable<Edit> edits,
        Arithmetic arithmetic,
        CancellationToken cancellationToken
    )
    {
        _tokens = tokens.Length;
        var sites = new HashSet<Site>(capture);
        sites.UnionWith(Steps(model.Config, mode, from, to));
        // Targets behind the last layer are computed from it.
        if (BackwardPass.IsFinal(to))
            sites.Add(Site.ResidPost(model.Config.Layers - 1));
        var norms = Norms(model.Config, mode, from, to);
        if (mode == GradientMode.Full)
            sites.UnionWith(norms);
        Edit[] readers = mode == GradientMode.Full ? [] : [.. norms.Select(norm => ScaleReader(norm, model.Config.NormEpsilon))];
        Run = model.Run(
            tokens,
            capture: sites,
            edits: [.. edits, .. readers],
            logits: LogitRows.None,
            arithmetic: arithmetic,
            cancellationToken: cancellationToken
        );
    }

    /// <summary>The run, with these activations and the caller's.</summary>
    public ModelRun Run { get; }

    /// <summary>Activations at a token site: [tokens, width]; at an attention-matrix site: [heads · queries, keys].</summary>
    public MatrixView Rows(Site site) => Rows(Run[site], Site.IsAttentionMatrix(site.Kind) ? null : _tokens);

    /// <summary>1 / rms of each row of a norm's input (frozen mode).</summary>
    public float[] Scale(Site norm) => _scales[norm];

    /// <summary>A tensor as a matrix with that many rows (null: all dimensions but the last), whatever its inner dimensions are.</summary>
    public static unsafe MatrixView Rows(Tensor tensor, int? rows)
    {
        var count = rows ?? (int)tensor.Rows;
        var columns = (int)(tensor.Length / count);
        return new(tensor.Floats, count, columns, columns);
    }

    public void Dispose() => Run.Dispose();

    /// <summary>Inputs of the norms between two sites that the gradient passes.</summary>
    private static IEnumerable<Site> Norms(GemmaConfig config, GradientMode mode, Site from, Site to)
    {
        SiteKind[] mlp =
            mode == GradientMode.Frozen ? [SiteKind.ResidMid]
            : config.Experts is null ? [SiteKind.ResidMid, SiteKind.MlpOutRaw]
            : [SiteKind.ResidMid, SiteKind.MlpOutRaw, SiteKind.ExpertsOutRaw, SiteKind.FfnCombined];
        return Passed(config, from, to, _ => [SiteKind.ResidPre, SiteKind.AttnOutRaw], mlp)
            .Concat(BackwardPass.IsFinal(to) ? [Site.ResidPost(config.Layers - 1)] : []);
    }

    /// <summary>What the steps other than norms of the residual stream need.</summary>
    private static IEnumerable<Site> Steps(GemmaConfig config, GradientMode mode, Site from, Site to)
    {
        if (mode == GradientMode.Frozen)
            return Passed(
                config,
                from,
                to,
                layer => config.HasValueNorm ? [SiteKind.AttnPattern, .. Own(layer, SiteKind.V)] : [SiteKind.AttnPattern],
                []
            );
        List<SiteKind> mlp = [SiteKind.MlpGatePre, SiteKind.MlpUp];
        if (config.Experts is not null)
            mlp.AddRange(ExpertsBackward.Needed);
        return Passed(config, from, to, Attention, mlp).Concat(Sources()).Concat(PerLayer());

        IEnumerable<SiteKind> Attention(int layer) =>
            [
                SiteKind.AttnPattern,
                SiteKind.QRope,
                .. config.HasQueryKeyNorm ? [SiteKind.Q, .. Own(layer, SiteKind.K)] : (SiteKind[])[],
                .. config.HasValueNorm ? Own(layer, SiteKind.V) : [],
                .. config.AttentionCap is not null ? [SiteKind.AttnScoresSoftcapped] : (SiteKind[])[],
            ];

        // Keys and values that a layer reads may be those of one that the gradient does not pass.
        IEnumerable<Site> Sources() =>
            Enumerable
                .Range(0, config.Layers)
                .Where(layer => BackwardPass.PassesAttention(layer, from, to))
                .Select(layer => config.Shapes[layer].KeyValueSource ?? layer)
                .SelectMany(layer => (Site[])[new(SiteKind.KRope, layer), new(config.ValuesRead, layer)]);

        IEnumerable<Site> PerLayer() =>
            config.PerLayer is null
                ? []
                : Enumerable
                    .Range(0, config.Layers)
                    .Where(layer => BackwardPass.PassesPerLayer(layer, from, to))
                    .SelectMany(layer => (Site[])[new(SiteKind.PleGatePre, layer), new(SiteKind.PleOutRaw, layer)])
                    .Concat([new Site(SiteKind.PleInputs), new Site(SiteKind.PleProjectionRaw)]);

        SiteKind[] Own(int layer, SiteKind kind) => config.Has(new Site(kind, layer)) ? [kind] : [];
    }

    /// <summary>Kinds of attention and of MLP sites, in each layer where the gradient passes the one or the other.</summary>
    private static IEnumerable<Site> Passed(
        GemmaConfig config,
        Site from,
        Site to,
        Func<int, IEnumerable<SiteKind>> attention,
        IEnumerable<SiteKind> mlp
    ) =>
        Enumerable
            .Range(0, config.Layers)
            .SelectMany(layer =>
                (BackwardPass.PassesAttention(layer, from, to) ? attention(layer) : [])
                    .Concat(BackwardPass.PassesMlp(layer, from, to) ? mlp : [])
                    .Select(kind => new Site(kind, layer))
            );

    /// <summary>An edit that only looks: it keeps one number a row where a capture would keep the row.</summary>
    private Edit ScaleReader(Site site, float epsilon)
    {
        var scales = _scales[site] = new float[_tokens];
        return Edit.Function(
            site,
            (rows, _) =>
            {
                for (var i = 0; i < rows.Rows; i++)
                    scales[i] = ElementwiseBackward.InverseRms(rows.Row(i), epsilon);
            }
        );
    }
}
