using System.Data.Common;

namespace GemmaScope.Store;

/// <summary>What differs between the two databases; everything else is one text of SQL.</summary>
internal interface ISqlDialect : IDisposable
{
    /// <summary>What messages name.</summary>
    string Location { get; }

    /// <summary>An open connection, to be disposed after use.</summary>
    DbConnection Open();

    /// <summary>Whether connections that read are kept open with their statements; else the driver's pool does that.</summary>
    bool KeepsReaders { get; }

    /// <summary>Finds out whether the database is still the one that was opened first; asked before each use.</summary>
    /// <exception cref="GemmaScopeException">The file was deleted or replaced.</exception>
    void RequireThere();

    /// <summary>A text that is another one after any process has changed the database.</summary>
    string Version();

    /// <summary>Fills in the names of types in a statement that makes a table.</summary>
    string Translate(string statement);

    /// <summary>Waits until no other process changes the schema, until the end of the transaction.</summary>
    void LockSchema(DbConnection connection, DbTransaction transaction);

    /// <summary>Refuses a database that another program made, before tables are added to it.</summary>
    /// <exception cref="GemmaScopeException">It is one.</exception>
    void RequireOwn(DbConnection connection, DbTransaction transaction);

    /// <summary>Takes the right to write a dictionary, until it is disposed or the process is gone.</summary>
    /// <param name="dictionary">model/name.</param>
    /// <exception cref="GemmaScopeException">Another one has it.</exception>
    IDisposable Reserve(string dictionary);

    /// <summary>Adds or replaces the words of a feature: @id, @labels, @tokens.</summary>
    string WriteWords { get; }

    /// <summary>Features whose words fit @query, with keys from @first to before @end, the best first: id; at most @limit.</summary>
    string FindWords { get; }

    /// <summary>The query for words that begin with each of these.</summary>
    string Query(IEnumerable<string> beginnings);

    /// <summary>What an error means and what to do about it.</summary>
    string Explain(DbException problem);
}
