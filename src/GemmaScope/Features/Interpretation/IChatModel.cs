namespace GemmaScope.Features.Interpretation;

/// <summary>A language model that answers one message: an endpoint somewhere, or a model in this process.</summary>
public interface IChatModel
{
    /// <summary>The model's name, which stands below labels as their author.</summary>
    string Name { get; }

    /// <summary>Answers a message.</summary>
    /// <param name="message">What it is asked.</param>
    /// <param name="maxTokens">Tokens of the answer at most.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>What it says, or null where it gave no answer that can be read.</returns>
    /// <exception cref="GemmaScopeException">It cannot be asked.</exception>
    Task<string?> Answer(string message, int maxTokens, CancellationToken cancellationToken);
}
