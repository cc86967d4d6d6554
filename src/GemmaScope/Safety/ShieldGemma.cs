using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>
/// ShieldGemma: asks a Gemma that was tuned for it whether a text violates safety policies (METHODS §1.5). The answer to each is
/// softmax(logit of Yes, logit of No) at the end of a fixed prompt; several policies are combined by the largest. A chat model of another
/// family can be asked in its place, by its own template (<see cref="ShieldTemplate.Chat"/>): that is not ShieldGemma, and verdicts say so.
/// May be used from several threads.
/// </summary>
public sealed class ShieldGemma : IDisposable
{
    private readonly ShieldPrompts _prompts;
    private readonly ShieldBeginnings _beginnings;
    private readonly bool _owned;

    /// <summary>Uses a model that the caller keeps and disposes.</summary>
    /// <exception cref="ArgumentProblemException">Its vocabulary has no bare words Yes and No.</exception>
    public ShieldGemma(GemmaModel model)
        : this(model, owned: false) { }

    private ShieldGemma(GemmaModel model, bool owned)
    {
        (Model, _owned) = (model, owned);
        (YesId, NoId) = (Word(model, "Yes"), Word(model, "No"));
        _prompts = new ShieldPrompts(model);
        _beginnings = new ShieldBeginnings(model);
    }

    /// <summary>The model.</summary>
    public GemmaModel Model { get; }

    /// <summary>Id of the bare word Yes, without a space in front.</summary>
    public int YesId { get; }

    /// <summary>Id of the bare word No.</summary>
    public int NoId { get; }

    /// <summary>The form in which the model is asked with some options.</summary>
    public ShieldTemplate TemplateOf(ShieldOptions options) => _prompts.TemplateOf(options);

    /// <summary>Loads a model, which is disposed with this object; see <see cref="GemmaModel.Load"/>.</summary>
    /// <param name="nameOrPath">A folder, or e.g. <c>google/shieldgemma-2b</c>, or a chat model that is asked in its place.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts a download, which is continued the next time.</param>
    /// <exception cref="GemmaScopeException">The model cannot be loaded, or its vocabulary has no bare words Yes and No.</exception>
    public static ShieldGemma Load(
        string nameOrPath,
        ModelLoadOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var model = GemmaModel.Load(nameOrPath, options, progress, cancellationToken);
        try
        {
            return new ShieldGemma(model, owned: true);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The soft-max of two logits in f32: exp(yes) / (exp(yes) + exp(no)).</summary>
    public static float Probability(float yes, float no)
    {
        var largest = MathF.Max(yes, no);
        var (a, b) = (MathF.Exp(yes - largest), MathF.Exp(no - largest));
        return a / (a + b);
    }

    /// <summary>Makes a text ready to be judged; finds what is wrong with it without running the model.</summary>
    /// <param name="user">What the user wrote; may be empty.</param>
    /// <param name="response">What the model answered, to judge that; null to judge the user's prompt.</param>
    /// <param name="policies">The policies; null for the four official ones.</param>
    /// <param name="options">How it is asked; null for the defaults.</param>
    /// <exception cref="ArgumentProblemException">The text does not fit into the context, the template does not judge responses, or there
    /// is no policy.</exception>
    public ShieldQuestion Prepare(
        string user,
        string? response = null,
        IReadOnlyList<ShieldPolicy>? policies = null,
        ShieldOptions? options = null
    ) => _prompts.Make(user, response, policies ?? ShieldPolicy.Official, options ?? new ShieldOptions());

    /// <summary>Judges one text; see <see cref="Prepare"/> for the arguments.</summary>
    /// <exception cref="ArgumentProblemException">The text cannot be judged.</exception>
    public ShieldVerdict Score(
        string user,
        string? response = null,
        IReadOnlyList<ShieldPolicy>? policies = null,
        ShieldOptions? options = null,
        CancellationToken cancellationToken = default
    ) => Score([Prepare(user, response, policies, options)], cancellationToken)[0];

    /// <summary>Judges texts together, which takes less time than one after another: they share the passes over the weights, and what
    /// prompts begin with is run once; what comes before the texts is kept for later calls (up to 256 MiB).</summary>
    /// <param name="questions">Any number of prepared texts, with policies and options of their own; memory does not grow with
    /// them.</param>
    /// <param name="cancellationToken">Stops between layers and tokens.</param>
    public IReadOnlyList<ShieldVerdict> Score(IReadOnlyList<ShieldQuestion> questions, CancellationToken cancellationToken = default) =>
        new ShieldRun(this, _beginnings, cancellationToken).Score(questions);

    /// <summary>Frees what is kept of prompts, and the model if <see cref="Load"/> loaded it.</summary>
    public void Dispose()
    {
        _beginnings.Dispose();
        if (_owned)
            Model.Dispose();
    }

    private static int Word(GemmaModel model, string word) =>
        model.Tokenizer.Id(word) is { } id && model.Tokenizer.Encode(word) is [var only] && only == id
            ? id
            : throw new ArgumentProblemException(
                model.Config.Family == GemmaFamily.Gemma2
                    ? $"is no ShieldGemma: its vocabulary has no single token for the bare word '{word}'; use google/shieldgemma-2b, -9b or -27b"
                    : $"cannot be asked for Yes or No: its vocabulary has no single token for the bare word '{word}', whose logit would be the answer; use a model with Gemma's own vocabulary",
                model.Path
            );
}
